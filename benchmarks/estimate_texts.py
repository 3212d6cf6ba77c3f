"""Texts that are dense, plain, and in many scripts, to hold estimates of tokens to tokenizers."""
# ruff: noqa: RUF001 - letters of other scripts

import base64
import hashlib
import json
import random
import uuid

REPEATED = 3
PROSE = {
    "English": (
        "Rex is a gentle dog of about four years who came to us from a shelter in the south. "
        "He loves long walks along the river, gets along well with other dogs, and sleeps "
        "next to the sofa. Visitors are greeted calmly; cats he does not know yet. We are "
        "looking for a patient family with a garden who has time for training and a sense of "
        "humour. Please write to us if you would like to meet him at the weekend. "
    ),
    "German": (
        "Rex ist ein freundlicher, etwa vierjähriger Rüde, der aus einem Tierheim im Süden "
        "zu uns gekommen ist. Er liebt lange Spaziergänge am Fluss, versteht sich gut mit "
        "anderen Hunden und schläft neben dem Sofa. Besucher begrüßt er ruhig; Katzen kennt "
        "er noch nicht. Gesucht wird eine geduldige Familie mit Garten, die Zeit für die "
        "Hundeschule mitbringt. "
    ),
    "French": (
        "Rex est un chien doux d'environ quatre ans, arrivé chez nous depuis un refuge du "
        "sud. Il aime les longues promenades au bord de la rivière, s'entend bien avec les "
        "autres chiens et dort à côté du canapé. Nous cherchons une famille patiente avec un "
        "jardin et du temps pour l'éducation. "
    ),
    "Russian": (
        "Рекс — добрый пёс примерно четырёх лет, "
        "который попал к нам из приюта на юге. "
        "Он любит долгие прогулки вдоль реки, "
        "хорошо ладит с другими собаками и спит "
        "рядом с диваном. Мы ищем терпеливую "
        "семью с садом, у которой есть время на "
        "воспитание. "
    ),
    "Greek": (
        "Ο Ρεξ είναι ένας ήρεμος σκύλος περίπου τεσσάρων ετών που ήρθε σε εμάς από ένα "
        "καταφύγιο στο νότο. Αγαπά τους μεγάλους περιπάτους δίπλα στο ποτάμι και τα πηγαίνει "
        "καλά με άλλα σκυλιά. Ψάχνουμε μια υπομονετική οικογένεια με κήπο. "
    ),
    "Arabic": (
        "ريكس كلب لطيف عمره حوالي أربع سنوات جاء إلينا من ملجأ في الجنوب. يحب المشي الطويل "
        "بجانب النهر ويتفاهم جيدا مع الكلاب الأخرى وينام بجانب الأريكة. نبحث عن عائلة صبورة "
        "لديها حديقة ووقت للتدريب. "
    ),
    "Hebrew": (
        "רקס הוא כלב עדין בן ארבע בערך שהגיע אלינו ממקלט בדרום. הוא אוהב טיולים ארוכים לאורך "
        "הנהר ומסתדר היטב עם כלבים אחרים. אנחנו מחפשים משפחה סבלנית עם גינה וזמן לאילוף. "
    ),
    "Hindi": (
        "रेक्स लगभग चार साल का एक शांत कुत्ता है "
        "जो दक्षिण के एक आश्रय से हमारे पास आया "
        "है। उसे नदी के किनारे लंबी सैर पसंद है, "
        "वह दूसरे कुत्तों के साथ अच्छी तरह रहता "
        "है और सोफ़े के पास सोता है। हम एक "
        "धैर्यवान परिवार की तलाश में हैं जिसके "
        "पास बगीचा और समय हो। "
    ),
    "Bengali": (
        "রেক্স প্রায় চার বছরের একটি শান্ত কুকুর "
        "যে দক্ষিণের একটি আশ্রয়কেন্দ্র থেকে "
        "আমাদের কাছে এসেছে। সে নদীর ধারে লম্বা "
        "হাঁটা ভালোবাসে এবং অন্য কুকুরদের সঙ্গে "
        "ভালো থাকে। আমরা একটি ধৈর্যশীল পরিবার "
        "খুঁজছি। "
    ),
    "Tamil": (
        "ரெக்ஸ் சுமார் நான்கு வயதுடைய அமைதியான "
        "நாய், தெற்கில் உள்ள ஒரு "
        "காப்பகத்திலிருந்து எங்களிடம் வந்தது. "
        "ஆற்றங்கரையில் நீண்ட நடைப்பயிற்சியை அது "
        "விரும்புகிறது. பொறுமையான குடும்பத்தை "
        "நாங்கள் தேடுகிறோம். "
    ),
    "Thai": (
        "เร็กซ์เป็นสุนัขที่อ่อนโยนอายุประมาณสี่ปี"
        " มาหาเราจากสถานสงเคราะห์ทางภาคใต้ "
        "มันชอบเดินเล่นริมแม่น้ำ "
        "เข้ากับสุนัขตัวอื่นได้ดี และนอนข้างโซฟา "
        "เรากำลังมองหาครอบครัวที่ใจเย็น มีสวน "
        "และมีเวลาฝึกมัน "
    ),
    "Japanese": (
        "レックスは南の保護施設から来た、四歳くらいのおとなしい犬です。川沿いの長い散歩が"
        "大好きで、ほかの犬とも仲良くでき、ソファのそばで眠ります。猫と暮らしたことはまだ"
        "ありません。庭があり、しつけの時間をとれる、気の長いご家族を探しています。"
    ),
    "Korean": (
        "렉스는 남쪽 보호소에서 온 네 살쯤 된 순한 개입니다. 강가를 오래 산책"
        "하는 것을 좋아하고 다른 개들과 잘 지내며 소파 옆에서 잠을 잡니다. 고"
        "양이와 살아 본 적은 아직 없습니다. 마당이 있고 훈련할 시간이 있는 참"
        "을성 있는 가족을 찾고 있습니다. "
    ),
    "Chinese": (
        "雷克斯是一只大约四岁的温顺的狗，来自南方的一家收容所。它喜欢沿着河边长时间散步，"
        "和其他狗相处得很好，睡在沙发旁边。我们正在寻找一个有耐心、有花园、有时间训练它的"
        "家庭。"
    ),
    "Emoji": (
        "🐕🦮 Rex 🥰 loves walks 🌊🌳, sleeps 😴🛋️ and plays 🎾⚽️ with 👨‍👩‍👧‍👦! ❤️🐾 Adopt him 🏡✨ "
    ),
}


def texts() -> dict[str, str]:
    """Every text by its name; the same in each run."""
    draw = random.Random(4)
    rows = [_row(draw) for _ in range(40)]
    names = ("id", "count", "price", "size", "created_at")
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    dense = {
        "CSV": "\n".join([",".join(names), *(",".join(map(str, row)) for row in rows)]),
        "UUIDs": "\n".join(str(row[0]) for row in rows),
        "JSON": json.dumps(objects),
        "JSON, indented": json.dumps(objects[:15], indent=2),
        "JSON of numbers": json.dumps(
            [[draw.randint(0, 10**9), round(draw.random(), 6)] for _ in range(120)]
        ),
        "numbers": " ".join(str(draw.randint(0, 9999)) for _ in range(600)),
        "hex": " ".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(40)),
        "Base64": base64.b64encode(draw.randbytes(2400)).decode(),
        "log": "".join(
            f"[{row[4]},{row[1]}] INFO worker task.id={row[0]} took {row[2]}ms status=200\n"
            for row in rows
        ),
        "HTML": "".join(
            f'<tr><td>{row[1]}</td><td><a href="/dogs/{row[0]}/">{row[3]}</a></td></tr>\n'
            for row in rows
        ),
        "SQL": "".join(
            f"INSERT INTO animals (id, n, price) VALUES ('{row[0]}', {row[1]}, {row[2]});\n"  # noqa: S608 - a text, not a query
            for row in rows
        ),
    }
    return {name: text * REPEATED for name, text in PROSE.items()} | dense


def _row(draw: random.Random) -> tuple[object, ...]:
    day, hour = draw.randint(1, 28), draw.randint(0, 23)
    return (
        str(uuid.UUID(int=draw.getrandbits(128))),
        draw.randint(1, 99999),
        f"{draw.uniform(0, 9999):.2f}",
        draw.choice(["small", "large", "medium"]),
        f"2026-{draw.randint(1, 12):02}-{day:02}T{hour:02}:00:00Z",
    )
