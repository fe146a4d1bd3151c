// What a file may ask for beyond what its own bytes pay for. A count is held against the file where it is read; here
// are the limits on what two counts make together, and on what is done again for each step of a chain. Each is far
// above what any published file needs, and says so; a reader that needs another number has the limit here, not beside
// its code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lstar::limits {

// Models. Arrays have an entry a layer, a head or an expert: these are known before anything has that many.
inline constexpr int kLayers = 10'000;    // the deepest published model has some 130
inline constexpr int kHeads = 1 << 16;    // some 230
inline constexpr int kExperts = 1 << 16;  // some 500 a layer
// heads * head_dim, and every other width: Llama 3.1 405B has 16,384 by 53,248. Sums of a few of them, and a width
// times a head's width, stay within 64 bits, and a width itself within 32.
inline constexpr int64_t kWidth = int64_t{1} << 24;
// Doubles in the Gram matrices of one layer's heads, heads * head_dim^2: 32 MB for the values and as many for the
// outputs, a thread. Nemotron-4 340B has 3.5 million; a single head is 2,048 wide at most.
inline constexpr int64_t kGramElements = int64_t{1} << 22;
// Pairs of heads of all layers, of which a prompt has a double each where overlaps are asked for: 32 MB. Llama 3.1
// 405B, 126 layers of 128 heads, has a million.
inline constexpr int64_t kHeadPairs = int64_t{1} << 22;

// Files of one model, each of which is opened: the largest models have some hundreds.
inline constexpr int kShards = 10'000;

// PyTorch's pickles. A byte may be a value of some hundred bytes: a tensor takes about 20 values. MARKs are how deep
// values are built inside values.
inline constexpr size_t kPickleValues = 4'000'000;
inline constexpr size_t kPickleMarks = 1000;
// Axes of a tensor, PyTorch's own limit; and sizes and strides of all tensors of a file, of which many may share one
// long tuple: 32 MB of them, where a hundred thousand matrices have 3.
inline constexpr size_t kAxes = 64;
inline constexpr size_t kTorchSizes = size_t{1} << 22;

// Tokenizers. Steps in a chain of normalizers, of pre-tokenizers or of post-processors, the Sequences around them
// included: each goes over the whole text. Published files have at most ten.
inline constexpr int kSteps = 64;
// Special tokens around a text, and entries of a template: published files have at most four.
inline constexpr size_t kTokensAround = 1000;
// Bytes of what marks a piece as a word's continuation or end ("##", "</w>"), written again for each character.
inline constexpr size_t kPieceMark = 256;
// Bytes of a piece whose merges are looked for: every way of cutting it in two is looked up. Published pieces have at
// most some hundreds.
inline constexpr size_t kMergedPiece = 4096;
// What normalisation and the cutting into words may write for a text: 32 times its size and 4 KB. The longest character
// of NFKC grows elevenfold, and GPT-2's spelling doubles that.
inline constexpr size_t kTextGrowth = 32, kTextSlack = size_t{4} << 10;
// Work on a text, in units of some 50 ns (TextBudget): 1,024 a byte, and a tenth of a second. A published tokenizer
// takes about ten a byte, one with a regular expression a character 32 for each of these.
inline constexpr uint64_t kTextWork = 1024, kTextWorkSlack = uint64_t{1} << 21;

// Manifests. Tables and lists inside each other, and parts of a dotted key: a manifest has two.
inline constexpr int kTomlDepth = 16;

}  // namespace lstar::limits
