"""Varied lines of text for the tokenizer's recorded ids, made from character ranges and the word lists below.
The same lines come out every time: one seeded generator, used in one order."""
import random
import unicodedata

SEED = 20240229

# First and last characters of scripts; unassigned code points in between are welcome.
SCRIPTS = {
    "latin": [(0x41, 0x5A), (0x61, 0x7A)],
    "latin-1": [(0x61, 0x7A), (0xC0, 0xFF)],
    "latin-extended": [(0x61, 0x7A), (0x100, 0x24F)],
    "ipa": [(0x250, 0x2AF)],
    "vietnamese": [(0x61, 0x7A), (0x1EA0, 0x1EF9)],
    "greek": [(0x391, 0x3A9), (0x3B1, 0x3C9)],
    "greek-extended": [(0x3B1, 0x3C9), (0x1F00, 0x1FFE)],
    "cyrillic": [(0x410, 0x44F), (0x451, 0x451)],
    "cyrillic-extended": [(0x460, 0x52F)],
    "armenian": [(0x531, 0x556), (0x561, 0x586)],
    "hebrew": [(0x5D0, 0x5EA)],
    "hebrew-points": [(0x5D0, 0x5EA), (0x5B0, 0x5C7)],
    "arabic": [(0x627, 0x64A)],
    "arabic-marks": [(0x627, 0x64A), (0x64B, 0x65F), (0x670, 0x6D3)],
    "syriac": [(0x710, 0x74A)],
    "thaana": [(0x780, 0x7B1)],
    "nko": [(0x7C0, 0x7FF)],
    "devanagari": [(0x904, 0x939), (0x93C, 0x94D), (0x958, 0x961)],
    "bengali": [(0x985, 0x9B9), (0x9BC, 0x9CD), (0x9DC, 0x9E3)],
    "gurmukhi": [(0xA05, 0xA39), (0xA3C, 0xA4D)],
    "gujarati": [(0xA85, 0xAB9), (0xABC, 0xACD)],
    "oriya": [(0xB05, 0xB39), (0xB3C, 0xB57)],
    "tamil": [(0xB85, 0xBB9), (0xBBE, 0xBCD)],
    "telugu": [(0xC05, 0xC39), (0xC3C, 0xC56)],
    "kannada": [(0xC85, 0xCB9), (0xCBC, 0xCD6)],
    "malayalam": [(0xD05, 0xD3A), (0xD3B, 0xD4D)],
    "sinhala": [(0xD85, 0xDC6), (0xDCA, 0xDDF)],
    "thai": [(0xE01, 0xE3A), (0xE40, 0xE4E)],
    "lao": [(0xE81, 0xEBD), (0xEC0, 0xECE)],
    "tibetan": [(0xF40, 0xF6C), (0xF71, 0xF84), (0xF90, 0xFBC)],
    "myanmar": [(0x1000, 0x103F)],
    "georgian": [(0x10D0, 0x10FA), (0x1C90, 0x1CBF)],
    "hangul-jamo": [(0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2)],
    "hangul": [(0xAC00, 0xD7A3)],
    "ethiopic": [(0x1200, 0x135A)],
    "cherokee": [(0x13A0, 0x13FD)],
    "canadian": [(0x1401, 0x167F)],
    "runic": [(0x16A0, 0x16EA)],
    "khmer": [(0x1780, 0x17D3)],
    "mongolian": [(0x1820, 0x1878)],
    "hiragana": [(0x3041, 0x3096)],
    "katakana": [(0x30A1, 0x30FA), (0xFF66, 0xFF9D)],
    "han": [(0x4E00, 0x9FFF)],
    "han-common": [(0x4E00, 0x5200)],
    "han-compatibility": [(0xF900, 0xFAD9), (0x4E00, 0x4F00)],
    "han-extension": [(0x20000, 0x2A6DF)],
    "han-later": [(0x30000, 0x323AF), (0x2EBF0, 0x2EE5D)],
    "bopomofo": [(0x3105, 0x312F)],
    "yi": [(0xA000, 0xA48C)],
    "full-width": [(0xFF01, 0xFF5E)],
    "gothic": [(0x10330, 0x1034A)],
    "brahmi": [(0x11000, 0x11070)],
    "cuneiform": [(0x12000, 0x12399)],
    "hieroglyphs": [(0x13000, 0x1342F), (0x13460, 0x143FA)],
    "math-letters": [(0x1D400, 0x1D7FF)],
    "garay": [(0x10D40, 0x10D8F)],
    "tulu": [(0x11380, 0x113E2)],
    "adlam": [(0x1E900, 0x1E95F)],
    "cyrillic-new": [(0x1C80, 0x1C8A), (0xA7C0, 0xA7DC)],
}

WORDS = {
    "en": "the of and to in is that it was for on are with as his they at be this from have or by one had not but what all "
    "were when we there can an your which their said if do will each about how up out them then she many some so these "
    "would other into has more her two like him see time could no make than first been its who now people my made over "
    "did down only way find use may water long little very after words called just where most know tokenization "
    "attention riverbank unbelievable internationally counterproductive strengths rhythm queue zephyr Mr Mrs Dr "
    "London October HTTP NASA iPhone eBay McDonald naïve café résumé coöperate façade Zürich piñata",
    "fr": "le de un être et à il avoir ne je son que se qui ce dans en du elle au pour pas vous par sur faire plus dire me "
    "on mon lui nous comme mais pouvoir avec tout y aller voir bien où sans tu ou leur homme si deux même prendre "
    "aujourd'hui l'été qu'il c'était jusqu'à cœur Noël où ça garçon forêt naïf",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat "
    "daß sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr "
    "durch Straße Größe Übergröße Donaudampfschifffahrt Rindfleischetikettierung Äpfel öffnen",
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre "
    "este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está mi porque qué niño "
    "corazón mañana ¿cómo ¡hola pingüino",
    "pt": "que não de um para eu se me uma está com do por te os bem em ele no mas na tudo sim da vai você isso como então "
    "meu coração ações pão irmã avô às ônibus língua",
    "it": "che di e la il un a per in una sono mi ho si lo ma ti ha le con cosa se io come da ci no questo bene tu qui sì "
    "perché più è così l'amore dell'acqua città virtù",
    "pl": "nie to się w na i z do że jest co jak o tak za od już tylko może źdźbło żółć łódź pięć gęś zażółć",
    "tr": "bir ve bu için ne ben çok var mı değil ama gibi daha o sen İstanbul ışık göğüs çünkü ağaç",
    "vi": "là của và có được người trong không cho một những đã với các để này đến khi về như ông từ nghìn thuở Việt Nam",
    "ru": "и в не на я быть он с что а по это она этот к но они мы весь который из у то за свой время дом слово ещё Москва "
    "объект съезд",
    "uk": "і в не на що я з він до як це та за але від був її для є ґанок їжак",
    "el": "και το να του η της με που την από για είναι δεν στο μια τα οι τον Αθήνα λόγος θάλασσα ἀρχή ᾧ",
    "he": "של את על לא הוא זה עם כי היא אני מה יש כל גם אבל שלום ירושלים",
    "ar": "في من على أن إلى التي هذا كان عن مع ما هو لا بعد السلام عليكم كتاب مدرسة اللغة العربية",
    "fa": "و در به از که این را با است برای آن می‌شود خانه‌ها پیش‌بینی",
    "hi": "के में है की से को और का पर एक ने यह हैं भी नहीं कर था हिन्दी क्षत्रिय ज़मीन",
    "bn": "এবং করা হয় এই থেকে একটি জন্য তার বাংলা ভাষা",
    "ta": "ஒரு மற்றும் இந்த என்று அது தமிழ் மொழி",
    "th": "ที่ และ เป็น ใน การ มี ของ ได้ ว่า ไม่ ภาษาไทย น้ำ",
    "zh": "的 一 是 不 了 在 人 有 我 他 这 个 们 中 来 上 大 为 和 国 中华人民共和国 机器学习 你好，世界。 学而时习之，不亦说乎？",
    "ja": "の に は を た が で て と し れ さ ある いる こと 東京 機械学習 こんにちは、世界。 カタカナ ﾊﾝｶｸ トークン化",
    "ko": "이 그 저 것 수 등 및 에서 으로 하다 있다 되다 안녕하세요 세계 서울특별시 한국어",
    "ka": "და რომ არ ეს იყო მე საქართველო ენა",
    "hy": "և է որ մի այս Հայաստան լեզու",
    "am": "እና ነው ላይ ይህ ኢትዮጵያ አማርኛ",
}

PUNCTUATION = list(".,;:!?-–—…()[]{}<>«»„“”‘’'\"/\\|@#$%^&*_+=~`§¶·•†‡©®™°±×÷¿¡€£¥₹₽、。，！？：；「」『』（）।۔،؟՞༎…‰′″")
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\n\n", "\x0b", "\x0c", "\x85", "\xa0", "\u1680", "\u2000", "\u2003",
          "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u200b", "\ufeff", "\u180e", "\u2060", " \n ", "\n  ", " \t "]
MARKS = [*range(0x300, 0x370), *range(0x1AB0, 0x1ACF), *range(0x1DC0, 0x1E00), *range(0x20D0, 0x20F1), 0x591, 0x5B0, 0x64B,
         0x651, 0x93C, 0x94D, 0x9BC, 0x302A, 0x3099, 0x309A, 0x0F71, 0x0F72, 0x0F74, 0x1037, 0x8CA, 0x898, 0x9FE, 0xC3C, 0x1E130]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'Ve", "'M", "'LL", "'D", "’s", "’t", "’re", "’ll",
                "'ſ", "'K", "`s", "´s", "ʼs", "'ss", "'lll", "''s", "' s", "'re-", "'", "''", "s'", "'em", "'n'", "o'"]
EMOJI = ["😀", "🤦🏽‍♀️", "👨‍👩‍👧‍👦", "👩🏿‍🚀", "🏳️‍🌈", "🏴‍☠️", "🇫🇷", "🇯🇵", "🇺🇳", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
         "❤️", "❤", "☺", "✌🏻", "👍🏾", "1️⃣", "#️⃣", "©️", "⌚", "🫠", "🫨", "🐦‍⬛", "🧑‍🤝‍🧑", "🙈", "🔥", "🎉", "♥︎", "⚕️", "🀄", "🃏", "\U0001fae9", "\U0001f6d8"]
SPECIALS = ["<|endoftext|>", "<|padding|>", "<s>", "</s>", "<pad>", "<unk>", "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>",
            "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|reserved_special_token_0|>", "<|strip|>", "<|word|>", "<mask>",
            "<|endoftext", "|endoftext|>", "<|endof text|>", "<|ENDOFTEXT|>", "< s>", "<//s>", "<s></s>", "<<s>>", "</s", "<é>", "<e\u0301>"]
CODE = [
    "def {0}({1}, {2}=None):\n    return {1} + {3}\n",
    "for (int {0} = 0; {0} < {3}; ++{0}) {{ {1}[{0}] *= {2}; }}",
    "\tif ({0} != NULL) {{\r\n\t\tfree({0});\r\n\t}}",
    "SELECT {0}, COUNT(*) FROM {1} WHERE {2} >= {3} GROUP BY 1;",
    "fn {0}<'a, T: Into<String>>({1}: &'a [T]) -> Result<(), Box<dyn Error>> {{ Ok(()) }}",
    "const {0} = async ({{{1}, ...{2}}}) => await fetch(`/api/${{{1}}}?n={3}`);",
    "{{\"{0}\": [{3}, -1.5e-10, null, true], \"{1}\": {{\"{2}\": \"\\u00e9\\n\"}}}}",
    "<div class=\"{0}\" id='{1}'>&nbsp;{2} &lt;{3}&gt;</div>",
    "#include <{0}.h>\n#define {1}(x) ((x) << {3}u)\n",
    "{0} :: ({1} -> {2}) -> Maybe a\n{0} f = \\x -> f $ x `mod` {3}",
    "$ {0} --{1}={3} | grep -E '^{2}.*$' > /dev/null 2>&1 && echo \"$?\"",
    "\\begin{{{0}}} \\frac{{{1}}}{{{3}}} \\alpha_{{{2}}}^{{2}} \\end{{{0}}}",
    "@{0}.{1}\nclass {2}Test(unittest.TestCase):\n    '''{3}'''\n    pass",
    "{0}:\n  - {1}: \"{2}\"  # {3}\n  - &anchor *alias\n",
    "mov eax, [{0}+{3}*4] ; {1}\njne .{2}",
]
URLS = ["https://www.{0}.com/{1}/{2}?q={3}&lang=en#{0}", "http://{0}.org:8080/~{1}/index.html", "{0}.{1}@{2}.co.uk", "ftp://{0}/{1}_{3}.tar.gz",
        "/usr/lib/{0}/{1}-{3}.so.1", "C:\\Users\\{0}\\{1}.txt", "@{0} #{1} #{2}{3}", "doi:10.{3}/{0}.{1}", "{0}@{1}:~$ ", "192.168.{3}.1/24", "file:///{0}%20{1}",
        "xn--{0}-kva.de", "s3://{0}-{1}/{2}/part-{3}"]
DIGITS = [0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xBE6, 0xE50, 0xED0, 0xF20, 0x1040, 0x17E0, 0xFF10, 0x104A0, 0x1D7CE, 0x1D7D8, 0x10D40, 0x11DE0]
OTHER_NUMBERS = "½⅓¾²³¹⁰⁴₁₂①②⑳⒈Ⅷⅻↀ〇一二三㊀㈠𐄇𒐀𝍠🄀፩௰൰"

CORNERS = [
    "", " ", "  ", "   ", "\n", "\n\n", " \n", "\n ", "\t", "\r\n", "\r", "\0", "\0\0", "a\0b", "\x01\x02\x1b[0m", "\x7f", "\x80\x81\x9f",
    "a", "A", "é", "e\u0301", "e\u0301\u0316", "e\u0316\u0301", "ǆ", "ﬁ", "Å", "\u212b", "\u2126", "가", "\u1100\u1161", "각", "\u1100\u1161\u11a8",
    "\u0344", "\u0958", "\u0915\u093c", "\u2adc", "\ufb1d", "\u05d9\u05b4", "\U0001d15e", "\U0001d157\U0001d165", "\u0cca", "\u0cc6\u0cc2",
    "q\u0323\u0307", "q\u0307\u0323", "a\u0300\u0301\u0302\u0303", "\u0301", "\u0301a", " \u0301", "'\u0301s", "1\u0301", "\u200d", "\u200c",
    "Hello, world!", "Hello world ", " Hello world", "  Hello  world  ", "hello\nworld", "hello\r\nworld\r\n", "hello\tworld\t\t", "hello \n world",
    "I'm you're he's she'll we've they'd isn't", "I'M YOU'RE HE'S SHE'LL WE'VE THEY'D ISN'T", "I’m you’re he’s she’ll we’ve they’d isn’t",
    "'s", "'S", " 's", "''s", "'sa", "a's", "1's", "é's", "'ll", "'lll", "'l", "'v", "'ve", "'VE", "'\u017f", "!'s", " '", "' ", "'\n",
    "123", "1234567890", "1 2 3", "a1b2c3", "3.14159", "1,000,000", "-1", "1e-10", "0x1F", "٣٤٥", "१२३", "１２３", "½", "1½", "²³", "x²", "Ⅷ", "①②", "一二三",
    "12 34", "12  34", "007", "1st 2nd 3rd", "10:30", "2024-02-29", "+1 (555) 010-9999", "$5.00", "5%", "50€",
    "<|endoftext|>", "a<|endoftext|>b", " <|endoftext|> ", "<|endoftext|><|endoftext|>", "<|endoftext|", "<s>a</s>", "</s>", "</s></s>", "<pad>", "<unk>",
    "<|begin_of_text|>x<|end_of_text|>", "<|strip|>", "a  <|strip|>  b", "a<|word|>b <|word|> <|word|>c", "<e\u0301>", "<é>", "x <é> <e\u0301> y",
    "...", "…", "!!!", "?!", "--", "---", "(a)", "[b]", "{c}", "«d»", "“e”", "‘f’", "a-b", "a_b", "a/b", "a\\b", "#a", "@a", "a.b", "a,b", "a;b", "a|b", "(a|b)", "|", "(", ")", "[", "]",
    "。", "，", "你好，世界。", "你好 世界", "नमस्ते। दुनिया", "سلام، دنیا۔", "ひらがな、カタカナ。", "a。b", "a，b", "…a", "a…",
    "\u00a0", "a\u00a0b", "\u00a0a", "a\u00a0 b", "a \u00a0b", "a\u2028b", "a\u2029b", "a\u3000b", "\u3000a", "a\u3000", "\u3000\u3000a", "a\u200bb", "\ufeffa", "a\ufeff",
    "a\u0085b", "a\u1680b", "a\u180eb", "a\u202fb", "a\u205fb", " \t\n\x0b\x0c\r x", "x \t\n\x0b\x0c\r ", "\n\n\nx", "x\n\n\n", "x\n \ny", "x \n\ny", "x\r\n\r\ny",
    "😀", "😀😀", " 😀", "a😀b", "🤦🏽‍♀️", "👨‍👩‍👧‍👦", "🇫🇷🇯🇵", "🇫", "1️⃣", "❤️ ❤", "\U0001f3fb", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\ue000", "\U000f0000",
    "\U000323af", " \U000323af", "a\U000323afb", "\U00010d4aa", "1\U00010d40", "\ua7cbx", "\U0001fae9", "\u1c89\u1c8a", "\U00011de0", "a\U00011de1\U00011de2", "\U00016ff4",
    "İstanbul", "ıI", "ß", "ẞ", "ŉ", "Ǆ", "ΐ", "\u03b9\u0308\u0301", "ᾳ", "ϔ", "ﷺ", "㍿", "ｶﾞ", "か\u3099", "が", "\u309b",
    "the the the", "The THE tHe", "aaaa", "aaaaaaaaaaaaaaaa", "abababababab", "\u0e19\u0e49\u0e33", "ภาษาไทย", "العربية", "שָׁלוֹם", "한국어", "日本語", "𠮷野家",
]


class Lines:
    def __init__(self):
        self.rng = random.Random(SEED)
        self.lines = list(CORNERS)

    def pick(self, items):
        return items[int(self.rng.random() * len(items))]

    def between(self, low, high):
        return low + int(self.rng.random() * (high - low + 1))

    def chance(self, p):
        return self.rng.random() < p

    def add(self, count, make):
        self.lines += [make() for _ in range(count)]

    def character(self, ranges):
        first, last = self.pick(ranges)
        return chr(self.between(first, last))

    def word(self):
        return self.pick(ALL_WORDS)

    def number(self):
        return str(int(10 ** (self.rng.random() * 9)))

    def name(self):
        return self.pick(["", "_", "my", "get", "k"]) + self.pick(WORDS["en"].split()[:60]) + self.pick(["", "_id", "Count", "2", "__"])

    def script_line(self, ranges):
        parts = []
        for _ in range(self.between(2, 5)):
            parts.append("".join(self.character(ranges) for _ in range(self.between(1, 6))))
            parts.append(self.pick([" ", " ", " ", ", ", ".", "-", "", "\u3000", "'", " 1"]))
        return "".join(parts[: self.between(len(parts) - 1, len(parts))])

    def sentence(self, language):
        words = WORDS[language].split()
        text = " ".join(self.pick(words) for _ in range(self.between(2, 9)))
        if self.chance(0.3):
            text = text[:1].upper() + text[1:]
        if self.chance(0.1):
            text = text.upper()
        return text + self.pick(["", "", ".", "!", "?", " ", "...", "。", ";", "।"])

    def marked(self):
        text = "".join(
            self.pick("aeiouycnszAEOUqxעأक각") + "".join(chr(self.pick(MARKS)) for _ in range(self.between(0, 3))) for _ in range(self.between(2, 7)))
        form = self.pick(["", "NFC", "NFD"])
        return unicodedata.normalize(form, text) if form else text

    def decomposed(self):
        return unicodedata.normalize(self.pick(["NFD", "NFD", "NFKD"]), self.sentence(self.pick(["fr", "de", "es", "pt", "vi", "tr", "pl", "el", "ru", "ko", "ja", "hi", "bn", "he"])))

    def spaced(self):
        return "".join(self.pick(SPACES) if self.chance(0.6) else self.pick([self.word(), self.pick(PUNCTUATION), self.number()]) for _ in range(self.between(2, 10)))

    def controls(self):
        return "".join(chr(self.between(0, 0x1F)) if self.chance(0.4) else self.pick([self.word()[:4], chr(self.between(0x7F, 0x9F)), " "]) for _ in range(self.between(1, 8)))

    def numbers(self):
        parts = []
        for _ in range(self.between(1, 5)):
            zero = self.pick(DIGITS)
            digits = "".join(chr(zero + self.between(0, 9)) for _ in range(self.between(1, 8)))
            parts.append(self.pick([digits, digits, self.number(), self.pick(OTHER_NUMBERS), self.pick(OTHER_NUMBERS) + digits]))
            parts.append(self.pick([" ", " ", ",", ".", "-", "/", ":", "x", "", "e", "%", " km ", "\xa0", "_"]))
        return "".join(parts)

    def filled(self, template):
        return template.format(self.name(), self.name(), self.name(), self.number())

    def contracted(self):
        parts = []
        for _ in range(self.between(1, 4)):
            parts.append(self.pick([self.word(), self.pick(WORDS["en"].split()), self.number(), ""]) + self.pick(CONTRACTIONS) + self.pick(["", "", self.word()[:3]]))
        return self.pick([" ", "", "\n"]).join(parts)

    def emoji(self):
        return "".join(self.pick(EMOJI) if self.chance(0.6) else self.pick([" ", self.word(), self.pick(PUNCTUATION), "\u200d", "\ufe0f", "\U0001f3fd"]) for _ in range(self.between(1, 6)))

    def punctuated(self):
        return "".join(self.pick(PUNCTUATION) if self.chance(0.5) else self.pick([" ", self.word(), self.word(), self.number(), "\n"]) for _ in range(self.between(2, 10)))

    def with_specials(self):
        return "".join(self.pick(SPECIALS) if self.chance(0.45) else self.pick([" ", "  ", "\n", self.word(), self.word(), self.pick(PUNCTUATION), self.number(), "\xa0"]) for _ in range(self.between(1, 7)))

    def long_word(self):
        kind = self.between(0, 4)
        count = self.between(80, 900)
        if kind == 0:
            return self.pick("aZé中😀!1 \n") * count
        if kind == 1:
            return "".join(self.pick(WORDS["en"].split()) for _ in range(count // 5))
        if kind == 2:
            return "".join(self.character(SCRIPTS[self.pick(["latin", "thai", "han-common", "cyrillic"])]) for _ in range(count // 2))
        if kind == 3:
            return self.pick(["ab", "the", "0123456789", "é\u0301", " a", "\n ", "'s"]) * (count // 3)
        return "https://" + "".join(self.pick("abcdefghijklmnopqrstuvwxyz0123456789/-_%=&") for _ in range(count))

    def anything(self):
        def character():
            while True:
                c = self.between(0, self.pick([0x7F, 0x7FF, 0xFFFF, 0x1FFFF, 0x10FFFF]))
                if not 0xD800 <= c <= 0xDFFF:
                    return chr(c)
        return "".join(character() for _ in range(self.between(1, 12)))

    def mixed(self):
        return "".join(self.pick([self.word(), self.word(), self.pick(SPACES), self.pick(PUNCTUATION), self.pick(EMOJI), self.number(), self.pick(CONTRACTIONS),
                                  self.character(SCRIPTS[self.pick(SCRIPT_NAMES)])]) for _ in range(self.between(2, 9)))


SCRIPT_NAMES = list(SCRIPTS)
ALL_WORDS = [word for language in WORDS.values() for word in language.split()]


def make_lines():
    g = Lines()
    for ranges in SCRIPTS.values():
        g.add(40, lambda: g.script_line(ranges))
    for language in WORDS:
        g.add(80, lambda: g.sentence(language))
    g.add(700, g.marked)
    g.add(500, g.decomposed)
    g.add(700, g.spaced)
    g.add(250, g.controls)
    g.add(600, g.numbers)
    g.add(600, lambda: g.filled(g.pick(CODE)))
    g.add(350, lambda: g.filled(g.pick(URLS)))
    g.add(500, g.contracted)
    g.add(400, g.emoji)
    g.add(600, g.punctuated)
    g.add(500, g.with_specials)
    g.add(50, g.long_word)
    g.add(600, g.anything)
    g.add(500, g.mixed)
    return g.lines
