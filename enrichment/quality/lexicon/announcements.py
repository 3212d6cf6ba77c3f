"""How models speak about their answer instead of giving it, as parts of regular expressions.

`enrichment.quality.wrapping` takes such a line off where it surely is none of the text; the gate in
`enrichment.quality.gates.form` holds back what only may be one.
"""

# Said before the answer, as a consent: alone it proves nothing.
CONSENT = (
    r"sure|certainly|of course|absolutely|okay|ok|gladly|natürlich|selbstverständlich|gerne?"
    r"|klar|claro|por supuesto|con gusto|bien sûr|certainement|certo|certamente|natuurlijk"
    r"|com certeza|oczywiście|конечно|当然|はい"
)
# What presents the answer that follows.
PRESENTING = (
    r"here(?:['\u2019]s| is| are| you (?:go|are)| it is)|there you (?:go|are)|as requested"
    r"|below is|the following is|hier (?:ist|sind|kommt|folgt|is)"
    r"|aquí (?:está|tienes?|va)|aqui está|voici|voilà|ecco|oto|вот|ось|以下|こちら|다음은|여기"
)
# What the answer calls itself.
ITSELF = (
    r"correct(?:ed)?|revised|rewritten|edited|cleaned|improved|polished|translat\w+|version"
    r"|listing|text|description|profile|response|answer|übersetz\w+|korrigiert\w*|überarbeitet\w*"
    r"|fassung|beschreibung|traducción|traducid\w+|corregid\w+|descripción|versión|traduction"
    r"|traduit\w*|corrigé\w*|annonce|texte|traduzione|tradott\w+|corrett\w+|testo|vertaling"
    r"|vertaald\w*|gecorrigeerd\w*|tekst|tradução|traduzid\w+|corrigid\w+|texto|versão"
    r"|tłumaczenie|przetłumaczon\w+|перевод\w*|переведен\w+|переклад\w*|翻訳|訳文|翻译|翻譯|译文|번역"
)
# What is said to the reader after the answer.
REMARK = (
    r"let me know (?:if|whether)|i hope (?:this|that) helps|feel free to (?:ask|let me know)"
    r"|is there anything else|note: (?:i|the|this)\b"
)
