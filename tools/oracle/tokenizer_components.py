"""Small tokenizers, one or two components each, and texts that tell them apart."""


def tokenizer(vocab, merges, added=(), pre=None, norm=None, post=None, **model):
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added), "normalizer": norm,
        "pre_tokenizer": pre, "post_processor": post, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "vocab": vocab, "merges": merges, **model},
    }


def added(id, content, **flags):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False, **flags}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def byte_level(prefix=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


# A vocabulary in which a cut between any two of these characters shows: all neighbouring pairs merge.
LETTERS = "abcxé1２½ .-"
PAIRS = {c: i for i, c in enumerate(LETTERS)}
PAIR_MERGES = []
for _a in LETTERS.replace(" ", ""):
    for _b in LETTERS.replace(" ", ""):
        PAIRS[_a + _b] = len(PAIRS)
        PAIR_MERGES.append([_a, _b])

ABC = {"a": 0, "b": 1, "c": 2, " ": 3, "ab": 4, "abc": 5}
ABC_MERGES = ["a b", "ab c"]


def byte_alphabet():
    from tokenizers.pre_tokenizers import ByteLevel

    return {c: i for i, c in enumerate(sorted(ByteLevel.alphabet()))}


def model_of(type, vocab, pre=None, norm=None, added=(), **model):
    return {**tokenizer({}, [], added, pre, norm), "model": {"type": type, "vocab": vocab, **model}}


def charsmap(pairs):
    """A SentencePiece charsmap of a few replacements, as base64: a double array laid out by hand, a block of 256 units a node."""
    import base64
    import struct

    text, places = b"", {}
    for key, value in pairs.items():
        places[key.encode()] = len(text)
        text += value.encode() + b"\0"
    prefixes = sorted({key[:i] for key in places for i in range(len(key) + 1)})
    blocks = {prefix: (i + 1) * 256 for i, prefix in enumerate(prefixes)}  # where a node's children stand
    units = [0] * (256 * (len(prefixes) + 1))
    for prefix, block in blocks.items():
        at = 0 if not prefix else blocks[prefix[:-1]] ^ prefix[-1]
        units[at] = (at ^ block) << 10 | (prefix in places) << 8 | (prefix[-1] if prefix else 0)
        if prefix in places:
            units[block] = 1 << 31 | places[prefix]
    return base64.b64encode(struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + text).decode()


def component_cases():
    cases = []

    def case(name, content, *texts):
        cases.append((name, content, list(texts)))

    words = ("abbabacbb", "bab", "bb", "xx", "b", "", "ab.ab-b", "é1２½b é")
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            case(f"split {behavior} {invert}", tokenizer(PAIRS, PAIR_MERGES, pre=split("b+", behavior, invert)), *words)
            case(f"split text {behavior} {invert}", tokenizer(PAIRS, PAIR_MERGES, pre=split("b", behavior, invert, "String")), *words)
            case(f"split empty matches {behavior} {invert}", tokenizer(PAIRS, PAIR_MERGES, pre=split("b*", behavior, invert)), *words)
    for pattern in ("(?=b)", "x*?", "", "(?<=a)b", "^a|b$", r"\b", "[[:punct:]]", r"\p{L}+|\p{N}", r"(?i:ſ|k)|B", r"\X", "."):
        case(f"pattern {pattern}", tokenizer(PAIRS, PAIR_MERGES, pre=split(pattern)), *words)
    case("empty text pattern", tokenizer(PAIRS, PAIR_MERGES, pre=split("", kind="String")), *words)
    case("text pattern with signs", tokenizer(PAIRS, PAIR_MERGES, pre=split(".", kind="String")), *words)
    for individual in (False, True):
        case(f"digits {individual}", tokenizer(PAIRS, PAIR_MERGES, pre={"type": "Digits", "individual_digits": individual}), "a11b22", "1２½½1", "½a", "11", "é1é")
    bytes_ = byte_alphabet()
    marked = {**bytes_, "Ġa": 256, "aĠ": 257, "11": 258, "ab": 259}
    merges = ["Ġ a", "a Ġ", "1 1", "a b"]
    texts = ("a", " a", "a a", "  a", "", " ", "a  a 11 a's", "é", "\n a", "中文 ab", "ab\u2028ab", "\0")
    for prefix in (False, True):
        for regex in (False, True):
            case(f"byte level {prefix} {regex}", tokenizer(marked, merges, pre=byte_level(prefix, regex)), *texts)
    case("digits, then byte level", tokenizer(marked, merges, pre=sequence({"type": "Digits", "individual_digits": True}, byte_level())), *texts)
    case("split, then prefix", tokenizer(marked, merges, pre=sequence(split("a", "Removed"), byte_level(True))), "xaxa x", *texts)
    case("byte level, then digits", tokenizer(marked, merges, pre=sequence(byte_level(), {"type": "Digits", "individual_digits": False})), "1é2", "²³µ", *texts)
    case("byte level, then split", tokenizer(marked, merges, pre=sequence(byte_level(regex=False), split("Ġ", "MergedWithNext"))), *texts)
    case("byte level twice", tokenizer(marked, merges, pre=sequence(byte_level(), byte_level())), *texts)
    case("empty sequence", tokenizer(marked, merges, pre=sequence()), *texts)
    case("sequence in sequence", tokenizer(marked, merges, pre=sequence(sequence(split(" ")), byte_level(regex=False))), *texts)

    case("merges as text", tokenizer(ABC, ABC_MERGES), "abc ab", "", "xaby", "axb", "cab")
    case("merges as pairs", tokenizer(ABC, [["a", "b"], ["ab", "c"]]), "abc ab")
    case("merge listed twice", tokenizer({**ABC, "bc": 6}, ["a b", "b c", "ab c", "a b"]), "abc")
    case("rank before place", tokenizer({**ABC, "bc": 6}, ["b c", "a b"]), "abcab")
    case("long word", tokenizer({**ABC, "bc": 6, "aa": 7, "aaaa": 8}, ["a a", "aa aa", "b c", "a b", "ab c"]), "a" * 333, "abc" * 100, "ab" * 77 + "c" * 50)
    case("unknown token", tokenizer({**ABC, "<unk>": 6}, ABC_MERGES, unk_token="<unk>"), "xxabxyc", "x y", "xx", "é")
    case("unknown tokens fused", tokenizer({**ABC, "<unk>": 6}, ABC_MERGES, unk_token="<unk>", fuse_unk=True), "xxabxyc", "x y", "xx", "éx中")
    fallback = {**ABC, "<0xC3>": 6, "<0xA9>": 7, "<unk>": 8}
    for fuse in (False, True):
        case(f"byte fallback {fuse}", tokenizer(fallback, ABC_MERGES, unk_token="<unk>", byte_fallback=True, fuse_unk=fuse), "aéb", "aèb", "xéx", "xxé", "éx")
    case("byte fallback without unknown", tokenizer(fallback, ABC_MERGES, byte_fallback=True), "aéb", "aèb", "xéx")
    case("merges ignored", tokenizer({**ABC, "bc": 6, "abcb": 7}, ["b c", "a b", "ab c"], ignore_merges=True), "abc", "abcb", "abcbc", "ab")
    case("continuing prefix", tokenizer({"a": 0, "##b": 1, "a##b": 2, "ab": 3, "##a": 4}, ["a ##b"], continuing_subword_prefix="##"), "ab", "aba", "b")
    case("end suffix", tokenizer({"a": 0, "b</w>": 1, "ab</w>": 3, "a</w>": 4}, ["a b</w>"], end_of_word_suffix="</w>"), "ab", "a", "aa", "b")
    case("empty prefix and suffix", tokenizer(ABC, ABC_MERGES, continuing_subword_prefix="", end_of_word_suffix=""), "abc")
    case("gap in ids", tokenizer({"a": 0, "b": 10, "ab": 7}, ["a b"]), "ab", "ba")

    nfc = {"type": "NFC"}
    x = "<x>"
    case("added past the vocabulary", tokenizer(ABC, ABC_MERGES, [added(10, x), added(20, "<y>")]), "a<x>b<y>", "<y><x>")
    case("added in the vocabulary", tokenizer(ABC, ABC_MERGES, [added(4, "ab"), added(0, x)]), "abc<x>", "cab")
    case("added twice", tokenizer(ABC, ABC_MERGES, [added(6, x), added(7, x)]), "a<x>b")
    case("added again with other flags", tokenizer(ABC, ABC_MERGES, [added(6, x), added(7, x, rstrip=True)]), "a <x> b")
    case("space inside a token and strips", tokenizer(ABC, ABC_MERGES, [added(6, x, rstrip=True), added(7, "  b"), added(8, " c", lstrip=True)]), "<x>  b", "<x>   b c", "a  c  c")
    case("left strip", tokenizer(ABC, ABC_MERGES, [added(6, x, lstrip=True, normalized=False)]), "a  <x> b", "  <x>", "a\u3000\t<x>", "<x> <x>")
    case("right strip", tokenizer(ABC, ABC_MERGES, [added(6, x, rstrip=True, normalized=False)]), "a  <x>  b", "<x>  ", "<x>\u2028\n b", "<x> <x>")
    case("both strips", tokenizer(ABC, ABC_MERGES, [added(6, x, lstrip=True, rstrip=True), added(7, " b")]), "a  <x>  b", "<x>  <x>", " b <x> b")
    case("single word", tokenizer(ABC, ABC_MERGES, [added(6, "c", single_word=True), added(7, "ca")]), "a c cab c", "acb", "é c é", "c_ c-", "éc", "c\u0301 c", "c\u200d", "c1 c", "cc")
    case("longest first", tokenizer(ABC, ABC_MERGES, [added(6, "<x"), added(7, "<x>"), added(8, "x>>")]), "a<x>>b", "a<x", "<<x", "x>>")
    case("leftmost first", tokenizer(ABC, ABC_MERGES, [added(6, "ab"), added(7, "bcabc")]), "abcabc", "bcabc", "cbcabca")
    case("normalised token", tokenizer(ABC, ABC_MERGES, [added(6, "e\u0301")], norm=nfc), "ae\u0301b a\u00e9b", "\u00e9", "e\u0301\u0301")
    case("raw token", tokenizer(ABC, ABC_MERGES, [added(6, "e\u0301", normalized=False)], norm=nfc), "ae\u0301b a\u00e9b")
    case("raw before normalised", tokenizer(ABC, ABC_MERGES, [added(6, "ab", normalized=True), added(7, "bc", normalized=False)]), "abc", "abab")
    case("alike after normalising", tokenizer(ABC, ABC_MERGES, [added(6, "\u00e9"), added(7, "e\u0301")], norm=nfc), "e\u0301\u00e9")
    case("sequence of normalizers", tokenizer({**ABC, "é": 6}, ABC_MERGES, norm={"type": "Sequence", "normalizers": [nfc, nfc]}), "e\u0301", "é")
    case("empty sequence of normalizers", tokenizer({**ABC, "é": 6}, ABC_MERGES, norm={"type": "Sequence", "normalizers": []}), "e\u0301", "é")

    sequence_a, sequence_b = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}
    def special(name):
        return {"SpecialToken": {"id": name, "type_id": 0}}
    def template(single, **tokens):
        return {"type": "TemplateProcessing", "single": single, "pair": [sequence_a, sequence_b],
                "special_tokens": {name: {"id": name, "ids": ids, "tokens": [name] * len(ids)} for name, ids in tokens.items()}}
    case("template", tokenizer(ABC, ABC_MERGES, post=template([special("S"), sequence_a, special("E")], S=[0], E=[1, 2])), "abc", "")
    case("roberta", tokenizer(ABC, ABC_MERGES, post={"type": "RobertaProcessing", "sep": ["c", 2], "cls": ["a", 0], "trim_offsets": True, "add_prefix_space": False}), "abc", "")
    case("bert", tokenizer(ABC, ABC_MERGES, post={"type": "BertProcessing", "sep": ["c", 2], "cls": ["a", 0]}), "abc", "")

    # Normalizers. Each character is a token here, so that what was done to a text shows.
    letters = "abcdehilnorstuwxyABCÉéèīİiı̇ßσΣς 　\u00a0\t\n▁``''\"\u0301\u0327ﬁ①ｶﾞ가각中國1２½\u200b\ufeff\ufffd\u2028\x01\x7f\x8f.,!$-_<>|Ġà"
    spelled = {c: i for i, c in enumerate(dict.fromkeys(letters + "".join(chr(c) for c in range(0x1100, 0x1113)) + "ᅡᆨ̧カガ゙゛́"))}
    samples = ("aÉèb", "e\u0301", "\u0301e", "ﬁ①ｶﾞ２½", "가각", "\u1100\u1161\u11a8", " a  b ", "　a\u00a0\t", "İIıSSßΣς", "中國a中", "\x01a\x7f\x8f\u200bb\ufeff\ufffdc\u2028d\ne",
               "▁a▁", "``a''", "", "  ", "a$b_c", "<x>a<x> b", " <x>", "Ġà", "e\u0327\u0301")

    def normalizing(name, norm, *more):
        flags = [added(len(spelled), "<x>"), added(len(spelled) + 1, "É<y>", normalized=True), added(len(spelled) + 2, "É<z>", normalized=False)]
        case(name, {**tokenizer({**spelled, "<unk>": len(spelled) + 3}, [], flags, norm=norm, unk_token="<unk>")}, *samples, "É<y>é<y>É<z>é<z>", *more)
        metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
        case(name + ", then Metaspace", {**tokenizer({**spelled, "<unk>": len(spelled) + 3}, [], flags, metaspace, norm, unk_token="<unk>")}, *samples, *more)

    for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel"):
        normalizing(kind, {"type": kind})
    for left in (False, True):
        for right in (False, True):
            normalizing(f"Strip {left} {right}", {"type": "Strip", "strip_left": left, "strip_right": right})
            for accents in (None, left):
                normalizing(f"BertNormalizer {left} {right} {accents}", {"type": "BertNormalizer", "clean_text": left, "handle_chinese_chars": right, "strip_accents": accents, "lowercase": left == right})
    normalizing("Prepend", {"type": "Prepend", "prepend": "▁"})
    for pattern, content in (({"String": " "}, "▁"), ({"String": "``"}, '"'), ({"Regex": r"\s+"}, " "), ({"Regex": " {2,}"}, "▁"), ({"Regex": "a*"}, "b"), ({"String": ""}, "a"), ({"Regex": "^"}, "b"), ({"Regex": "(a)"}, "\\1"), ({"String": "."}, "")):
        normalizing(f"Replace {pattern} by {content}", {"type": "Replace", "pattern": pattern, "content": content})
    normalizing("Sequence", {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "``"}, "content": '"'}, {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}, {"type": "Prepend", "prepend": "a"}]})
    normalizing("Precompiled", {"type": "Precompiled", "precompiled_charsmap": charsmap({"ﬁ": "fi", "é": "e", "e\u0301": "é", "\u0301": "", "①": "1", "a": "b", "\r\n": " ", "\n": " ", "İ": "İi", "각": "가b"})},
                "a\u0301b", "e\u0301\u0327", "ae\u0301\r\na\n\r", "👨\u200d👩a", "a\u200db", "🇫🇷a", "각\u11a8a", "e\u0301" * 40)

    # Pre-tokenizers, in a vocabulary in which a cut between any two characters shows.
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        case(f"punctuation {behavior}", tokenizer(PAIRS, PAIR_MERGES, pre={"type": "Punctuation", "behavior": behavior}), *words, "a..b", "...", ".a.", "a$b-c")
    case("punctuation", tokenizer(PAIRS, PAIR_MERGES, pre={"type": "Punctuation"}), "a..b")
    spaced = ("a b", "a  b c", " a ", "a\nb\tc", "a\u3000b", "ab-c.b é1", "x１２½.b", "é\u0301b c", "a\u200db", "a_b")
    for kind in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer"):
        case(kind, tokenizer(PAIRS, PAIR_MERGES, pre={"type": kind}), *words, *spaced)
    for delimiter in ("b", "é", " "):
        case(f"delimiter {delimiter}", tokenizer(PAIRS, PAIR_MERGES, pre={"type": "CharDelimiterSplit", "delimiter": delimiter}), *words, *spaced)
    for length in (1, 2, 5):
        case(f"fixed length {length}", tokenizer(PAIRS, PAIR_MERGES, pre={"type": "FixedLength", "length": length}), *words, *spaced)
    marked_pairs = {**PAIRS, "▁": len(PAIRS)}
    marked_merges = list(PAIR_MERGES)
    for c in LETTERS.replace(" ", ""):
        for pair in (("▁", c), (c, "▁")):
            marked_pairs["".join(pair)] = len(marked_pairs)
            marked_merges.append(list(pair))
    marked_pairs["▁▁"] = len(marked_pairs)
    marked_merges.append(["▁", "▁"])
    y = [added(len(marked_pairs), "<y>"), added(len(marked_pairs) + 1, "<z>", normalized=False)]
    for scheme in ("first", "never", "always"):
        for cut in (True, False, None):
            pre = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, **({} if cut is None else {"split": cut})}
            case(f"Metaspace {scheme} {cut}", tokenizer(marked_pairs, marked_merges, y, pre=pre), *words, *spaced, "<y>a", "a<y>b", " <z> a<z>b", "▁a ▁b", "<y> a")
            case(f"Metaspace {scheme} {cut} after a split", tokenizer(marked_pairs, marked_merges, y, pre=sequence({"type": "WhitespaceSplit"}, pre)), *words, *spaced, "<y>a", "a<y>b")
    case("Metaspace as older files have it", tokenizer(marked_pairs, marked_merges, y, pre={"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "str_rep": "▁"}), *words, *spaced)
    case("Metaspace at odds with itself", tokenizer(marked_pairs, marked_merges, y, pre={"type": "Metaspace", "replacement": "▁", "add_prefix_space": False, "prepend_scheme": "first"}), "a")
    case("Metaspace of two characters", tokenizer(marked_pairs, marked_merges, y, pre={"type": "Metaspace", "replacement": "▁▁", "prepend_scheme": "first"}), "a")
    case("pieces that reach across a marker", tokenizer({**marked_pairs, "a▁b": 5000}, [["a", "▁b"], *marked_merges], norm={"type": "Replace", "pattern": {"String": " "}, "content": "▁"}), *words, *spaced, "a b" * 30)
    no_reach = {k: v for k, v in marked_pairs.items() if not k.endswith("▁") or k in ("▁", "▁▁")}
    case("no piece reaches across a marker", tokenizer({**no_reach, "<unk>": 5000}, [m for m in marked_merges if m[1] != "▁" or m[0] == "▁"], norm={"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, unk_token="<unk>", fuse_unk=True),
         *words, *spaced, "a b" * 30, "Z Z ZZ ZaZ  ZZ", "   ", "a   b")

    # Models.
    pieces = {"[UNK]": 0, "a": 1, "##b": 2, "ab": 3, "##c": 4, "b": 5, "##bc": 6, "é": 7, "##é": 8, "中": 9}
    wordpiece = {"unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 6}
    case("WordPiece", model_of("WordPiece", pieces, {"type": "WhitespaceSplit"}, **wordpiece), "ab abc abbc b c bc", "éé aé", "abcabc", "abbbbb abbbbbb", "中 中b 中c", "x", "", "ab x b")
    case("WordPiece with another prefix", model_of("WordPiece", {"[UNK]": 0, "a": 1, "@b": 2, "b": 3}, {"type": "WhitespaceSplit"}, **{**wordpiece, "continuing_subword_prefix": "@"}), "ab bab aab")
    case("WordPiece without prefix", model_of("WordPiece", {"[UNK]": 0, "a": 1, "b": 3}, {"type": "WhitespaceSplit"}, **{**wordpiece, "continuing_subword_prefix": ""}), "ab bab aac")
    case("WordLevel", model_of("WordLevel", {"a": 0, "<unk>": 1, "ab": 2}, {"type": "WhitespaceSplit"}, unk_token="<unk>"), "a ab abc a", "", "<unk>")
    scores = [["<unk>", 0.0], ["a", -1.5], ["b", -2.0], ["ab", -3.0], ["abc", -4.5], ["c", -2.5], ["é", -3.0], ["▁", -2.0], ["▁a", -2.5], ["ca", -3.5], ["bc", -4.5]]
    many = ("abc", "abab", "cabc", "aabbcc", "xabx", "xx", "éx中a", "ab cab", "<unk>a", "x<unk>", "", "cca" * 30, "bcabca")
    case("Unigram", model_of("Unigram", scores, unk_id=0), *many)
    case("Unigram with Metaspace", model_of("Unigram", scores, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}, unk_id=0), *many)
    case("Unigram, unknown is a letter", model_of("Unigram", scores, unk_id=2), *many)
    bytes_too = [*scores, ["<0x78>", -9.0], ["<0xE4>", -9.0], ["<0xB8>", -9.0], ["<0xAD>", -9.0]]
    case("Unigram with bytes", model_of("Unigram", bytes_too, unk_id=0, byte_fallback=True), *many, "xy", "y", "中中xx")
    case("Unigram without byte fallback", model_of("Unigram", bytes_too, unk_id=0, byte_fallback=False), *many)
    case("Unigram, a piece twice", model_of("Unigram", [*scores, ["ab", -9.0]], unk_id=0), *many)
    case("Unigram, unknown out of range", model_of("Unigram", scores, unk_id=11), "a")

    case("merge of a missing token", tokenizer(ABC, ["a z"]), "a")
    case("merge into a missing token", tokenizer({"a": 0, "b": 1}, ["a b"]), "a")
    case("merge of three", tokenizer(ABC, ["a b c"]), "a")
    case("merge of one", tokenizer(ABC, ["ab"]), "a")
    case("negative id", tokenizer({"a": -1}, []), "a")
    case("unknown token missing", tokenizer(ABC, ABC_MERGES, unk_token="<unk>"), "x")
    case("pattern not closed", tokenizer(ABC, ABC_MERGES, pre=split("(")), "a")
    case("unknown behaviour", tokenizer(ABC, ABC_MERGES, pre=split("a", "Sideways")), "a")
    return cases
