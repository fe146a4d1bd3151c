"""Writes lstar/tokenizer/pipeline/unicode_ranges.h: which characters the regular expressions of `tokenizers` call letters and
numbers, asked of the library itself, one range a pair. Run with tokenizers==0.23.3 (Oniguruma of Unicode 16):

    python tools/oracle/unicode_classes.py > lstar/tokenizer/pipeline/unicode_ranges.h && clang-format -i lstar/tokenizer/pipeline/unicode_ranges.h
"""
from tokenizers import Regex, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def matched(pattern):
    """Code points that the pattern matches: those missing when matches are removed."""
    remove = pre_tokenizers.Split(Regex(pattern), "removed")
    found = []
    for start in range(0, len(CODE_POINTS), 4096):
        chunk = CODE_POINTS[start : start + 4096]
        kept = set()
        for _, (begin, end) in remove.pre_tokenize_str("".join(map(chr, chunk))):
            kept.update(range(begin, end))
        found += [c for i, c in enumerate(chunk) if i not in kept]
    return found


def counted(candidates):
    """Of `candidates`, those that the Digits pre-tokenizer splits off: Rust's char::is_numeric."""
    digits = pre_tokenizers.Digits(individual_digits=True)
    return [c for c in candidates if len(digits.pre_tokenize_str("a" + chr(c) + "a")) == 3]


def ranges(code_points):
    out = []
    for c in code_points:
        if out and out[-1][1] + 1 == c:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def table(name, comment, code_points):
    pairs = ", ".join(f"{{0x{a:x}, 0x{b:x}}}" for a, b in ranges(code_points))
    return f"// {comment}\ninline constexpr CodePointRange {name}[] = {{{pairs}}};\n"


letters, numbers = matched(r"\p{L}"), matched(r"\p{N}")
known = set(numbers)
later = [c for c in counted(CODE_POINTS) if c not in known]
print(
    "// Written by tools/oracle/unicode_classes.py; facts of the Unicode Character Database.\n#pragma once\n\n"
    "#include <cstdint>\n\nnamespace lstar {\n\nstruct CodePointRange {\n  uint32_t first, last;\n};\n"
)
print(table("kLetterRanges", "General category L, Unicode 16.", letters))
print(table("kNumberRanges", "General category N, Unicode 16.", numbers))
print(table("kLaterNumberRanges", "Numbers of Unicode 17, which the Digits pre-tokenizer knows and patterns do not.", later))
print("}  // namespace lstar")
