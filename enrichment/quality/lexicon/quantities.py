"""Numbers in words and units of measure, by language.

Unit names: lb, kg, g, stone, in, cm, ft, mile, km, year, month, week, day, hour, mph, usd, eur,
gbp, percent.
Factors lead to one base a dimension, so that a converted figure is found to be the same.
"""

from collections.abc import Iterator, Mapping

_ONES = {
    "en": "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty",
    "de": "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn"
    " fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig",
    "es": "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
    " dieciséis diecisiete dieciocho diecinueve veinte",
    "fr": "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    " dix-sept dix-huit dix-neuf vingt",
    "it": "uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici"
    " quindici sedici diciassette diciotto diciannove venti",
    "nl": "een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien"
    " zestien zeventien achttien negentien twintig",
    "pt": "um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze"
    " dezesseis dezessete dezoito dezenove vinte",
    "pl": "jeden dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście",
    "sv": "ett två tre fyra fem sex sju åtta nio tio elva tolv",
    "da": "et to tre fire fem seks syv otte ni ti elleve tolv",
    "ru": "один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать",
}
_MORE = {
    "ein": 1, "eine": 1, "einem": 1, "einen": 1, "einer": 1, "una": 1, "une": 1, "uma": 1, "één": 1,
    "un": 1, "a": 1, "an": 1, "duas": 2, "en": 1, "två": 2, "dwie": 2, "dwóch": 2, "две": 2,
    "двух": 2, "трёх": 3, "трех": 3, "одна": 1, "одной": 1, "both": 2, "twice": 2, "pair": 2,
    "beide": 2, "beiden": 2, "ambos": 2, "deux": 2, "couple": 2, "single": 1, "double": 2,
    "dozen": 12, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "hundred": 100, "thousand": 1000, "dreißig": 30, "vierzig": 40, "fünfzig": 50,
    "sechzig": 60, "siebzig": 70, "achtzig": 80, "neunzig": 90, "hundert": 100, "treinta": 30,
    "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "trente": 30, "quarante": 40, "cinquante": 50,
    "soixante": 60, "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "half": 0.5,
    "halb": 0.5, "halbes": 0.5, "medio": 0.5, "media": 0.5, "demi": 0.5, "anderthalb": 1.5,
    "eineinhalb": 1.5, "zweieinhalb": 2.5,
}  # fmt: skip
NUMBER_WORDS: Mapping[str, float] = {
    **{
        word: number
        for words in _ONES.values()
        for number, word in enumerate(words.split(), start=1)
    },
    **_MORE,
}
# Signs of Chinese and Japanese, as they stand before a counter.
CJK_DIGITS: Mapping[str, int] = {
    sign: number for number, sign in enumerate("一二三四五六七八九十", start=1)
} | {"两": 2, "兩": 2}
KOREAN_NUMBERS: Mapping[str, int] = {
    "한": 1, "하나": 1, "두": 2, "둘": 2, "세": 3, "셋": 3, "네": 4, "넷": 4, "다섯": 5, "여섯": 6,
    "일곱": 7, "여덟": 8, "아홉": 9, "열": 10,
}  # fmt: skip
TENS = frozenset({20, 30, 40, 50, 60, 70, 80, 90})

# Each line, and those that are indented below it: unit, dimension, factor: words.
_UNITS = """
lb weight 0.4536: lb lbs lbs. # pound pounds pfund libra libras livre livres libbra libbre pond
    funt funty funtów фунт фунта фунтов фунтів pund ポンド 磅 파운드
kg weight 1.0: kg kgs kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramo
    kilogramos quilo quilos quilograma quilogramas chilo chili chilogrammo chilogrammi
    kilogramów кг килограмм килограмма килограммов キロ キログラム 公斤 千克 킬로그램 킬로
g weight 0.001: gram grams gramm gramme grammes grammi gramo gramos grama gramas gramów
    グラム 克 그램
stone weight 6.35: stone stones
oz weight 0.02835: oz ounce ounces unze unzen onza onzas once onces
in length 2.54: inch inches cal cale cali zoll pulgada pulgadas pouce pouces pollici polegadas
    дюймов インチ 英寸
    인치
cm length 1.0: cm centimeter centimeters centimetre centimetres zentimeter centímetros
    centimètres centimetri сантиметров см センチ 厘米 센티미터
ft length 30.48: ft foot feet voet stopa stopy stóp fuß pie pies pied pieds piedi pés футов
    フィート 英尺 피트
m length 100.0: m meter meters metre metres metro metros mètre mètres metri метров
mile distance 1.609: mile miles mi meile meilen milla millas mille milles miglia miglio milhas
    milha mijl mijlen mila mil
    миль マイル 英里 마일
km distance 1.0: km kilometr kilometry kilometrów kilometra kilometer kilometers kilometre
    kilometres kilómetros kilomètres chilometri
    quilômetros километров キロメートル 公里 킬로미터
year time 12.0: year years yr yrs yo y/o y.o. yo. jahr jahre jahren jährig jährige jähriger
    jahrealt año años an ans année années anno anni ano anos jaar jaren rok lata lat år год года
    лет рік роки років 歳 才 年 岁 歲 살 년
month time 1.0: month months mo mos mth mths monat monate monaten mes meses mois mese mesi mês maand
    maanden miesiąc miesiące miesięcy månad månader måned måneder месяц месяца месяцев か月 ヶ月
    カ月 個月 个月 개월
week time 0.2301: week weeks wk wks woche wochen semana semanas semaine semaines settimana
    settimane weken tydzień tygodni tygodnie vecka veckor uge uger неделя недели недель 週間 周 주
day time 0.03288: day days tag tage tagen día días jour jours giorno giorni dia dias dag dagen
    dzień dni день дня дней 日間 天 일
hour hours 1.0: hour hours hr hrs stunde stunden hora horas heure heures ora ore uur godzin
    godziny timmar timer час часа часов 時間 小时 시간
usd money 1.0: $ usd dollar dollars dolar dolary dolarów dolara доллар доллара dólar dólares
    dollari dólares долларов ドル 美元 달러
eur money 2.0: € eur euro euros евро ユーロ 欧元 유로
gbp money 3.0: £ gbp sterling
percent share 1.0: % percent prozent porciento pourcent percento процентов
"""


def _units() -> Iterator[tuple[str, str, float, list[str]]]:
    for line in _UNITS.replace("\n    ", " ").strip().splitlines():
        head, _, words = line.partition(": ")
        unit, dimension, factor = head.split()
        yield unit, dimension, float(factor), words.split()


# A number and its unit in one word, as "vierjährig": the number's stem and the unit's.
_STEMS = {
    "de": (
        {**{word: n for n, word in enumerate(_ONES["de"].split(), start=1)}, "ein": 1},
        {"jährig": "year", "monatig": "month", "wöchig": "week", "tägig": "day"},
        ("", "e", "er", "en", "es", "em"),
    ),
    "nl": (
        {**{word: n for n, word in enumerate(_ONES["nl"].split(), start=1)}, "één": 1},
        {"jarig": "year", "maands": "month", "weeks": "week", "daags": "day"},
        ("", "e"),
    ),
    "pl": (
        {
            word: number
            for number, words in enumerate(
                "jedno dwu trzy|trój cztero|czworo pięcio sześcio siedmio ośmio dziewięcio"
                " dziesięcio jedenasto dwunasto trzynasto czternasto piętnasto".split(),
                start=1,
            )
            for word in words.split("|")
        },
        {"letni": "year", "roczn": "year", "miesięczn": "month", "tygodniow": "week"},
        ("", "a", "e", "y", "i", "ego", "emu", "ej", "ą", "m", "ym", "im", "ch", "ych", "mi", "go"),
    ),
}
COMPOUNDS: Mapping[str, tuple[float, str]] = {
    f"{stem}{unit}{ending}": (float(number), name)
    for stems, units, endings in _STEMS.values()
    for stem, number in stems.items()
    for unit, name in units.items()
    for ending in endings
}

UNIT_OF: Mapping[str, str] = {
    word: unit for unit, _, _, words in reversed(list(_units())) for word in words
}
DIMENSIONS: Mapping[str, tuple[str, float]] = {
    unit: (dimension, factor) for unit, dimension, factor, _ in _units()
}
# Different money is no other form of the same figure.
CONVERTIBLE = frozenset({"weight", "length", "distance", "time"})
# Units that stand directly after a figure in languages without spaces, the longest first.
SIGNS: tuple[str, ...] = tuple(
    sorted((word for word in UNIT_OF if ord(word[0]) > 0x2E80), key=len, reverse=True)
)

# Names of months by their number.
MONTHS = {
    name: str(number)
    for number, names in enumerate(
        (
            "jan january januar jänner enero janvier gennaio",
            "feb february februar febrero février",
            "mar march märz mrz marzo mars", "apr april abril avril aprile", "may mai mayo maggio",
            "jun june juni junio juin giugno", "jul july juli julio juillet luglio",
            "aug august agosto août", "sep sept september septiembre septembre settembre",
            "oct october oktober octubre octobre ottobre", "nov november noviembre novembre",
            "dec december dezember diciembre décembre dicembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
