"""How a text speaks to a model instead of its reader, as parts of regular expressions by kind.

For lower-cased text. `enrichment.quality.gates.instructions` puts them together; each kind is of
words, not of sentences: setting guidance aside, naming a machine, ordering an output.
"""

# ruff: noqa: RUF001 - words in many scripts

# -- Setting aside what the model was told --------------------------------------------------------

SET_ASIDE = (
    r"(?:ignor(?:e|ing)|disregard(?:ing)?|scrap|delete|revoke|dismiss|neglect|disable|switch off"
    r"|turn off|leave aside|forget(?:ting)?|overrid(?:e|ing)|bypass|discard|skip"
    r"|overlook|abandon|cancel|drop|set aside|put aside|lay aside|throw out|erase|unlearn"
    r"|(?:pay|give) no (?:attention|heed|mind|regard) to|take no notice of|stop following"
    r"|(?:do not|don't|never) (?:follow|obey|heed|mind|observe|go by|stick to))"
)
WHOSE = (
    r"(?:(?:all|any|every|everything|each|the|your|these|those|my|of|whole|entire|usual|normal"
    r"|previous|prior|above|earlier|preceding|former|initial|original|other|current|system"
    r"|safety|tagging)\s+){0,5}"
)
TOLD = (
    r"(?:told|asked|given|taught|instructed|ordered|configured|programmed|trained|set up|prompted"
    r"|supposed|meant|assigned|about|going)"
)
GUIDANCE = (
    r"(?:instructions?|prompts?|guidelines?|guidance|directives?|directions|context|constraints"
    r"|rules|brief|briefing|orders|commands?|filters|checks|safeguards|restrictions|messages?"
    rf"|what(?:ever)?(?: else| it is)?(?: that)? you(?:'ve| have|'re| are| were"
    rf"| had)(?: been)? {TOLD}"
    r"\b(?! (?:\w+ ){0,3}about\b)"
    rf"|(?:all|everything|anything)(?: that)? you(?:'ve| have|'re| are| were| had)(?: been)? {TOLD}"
    r"\b(?! (?:\w+ ){0,3}about\b)"
    r"|(?:what|whatever|everything|anything|all)(?: that)?(?: (?:is|was|stands|stood|came|comes"
    r"|went|goes|has come|precedes?|preceded))?(?: written| said)? (?:above|before|earlier|so far"
    r"|precedes?|preceding|previously|prior|until now|this (?:line|sentence|point|paragraph))"
    r"|(?:text|sentences?|lines?|listing|words|paragraphs?) (?:above|before)"
    r"|what(?:ever)? the (?:system|prompt|developers?|operator|user|program) (?:said|says|told"
    r"|wrote"
    r"|wants?|asks?)"
    r"|task(?:s)?(?: you\b| above| at hand)?|analysis|reasoning|criteria"
    r"|rest of (?:this|the) (?:text|listing|ad|page|description|message|data))"
)
# "Your earlier guidance no longer applies."
VOID = (
    r"\b(?:instructions?|prompts?|guidelines|guidance|directives|rules|orders)\b[^.!?\n]{0,40}"
    r"\b(?:no longer|do not|don't|does not|doesn't|cease to|never)\s+(?:hold|appl(?:y|ies)|count"
    r"|matter|bind|concern)"
)
HOWEVER = (
    rf"\b(?:no matter|regardless of|however|irrespective of) (?:how |what )?you(?:'ve| have|'re"
    rf"| are| were)(?: been)? {TOLD}"
    rf"|\bwhatever(?: else)? you(?:'ve| have|'re| are| were)(?: been)? {TOLD} to (?:do|write|say"
    r"|answer|tag|return|put|choose)"
    r"|\b(?:go|act|work) by (?:mine|this)(?: one| text| line)?(?: instead)?\s?:"
    r"|\b(?:treat|take|read) (?:this|the following) (?:\w+ )?(?:as|for) (?:your|an|the) (?:\w+ )?"
    r"(?:order|instruction|command|prompt|task)\b"
    r"|\bdo (?:as|what) this (?:sentence|text|line|paragraph|listing) (?:says|tells)"
)

# -- Naming a machine -----------------------------------------------------------------------------

MACHINE = (
    r"(?:a\.i\.|ais?|llms?|(?:large )?language models?|neural net(?:work)?s?|chat ?bots?|bots?"
    r"|algorithms?|software|auto-?taggers?|taggers?|classifiers?|crawlers?|scrapers?|parsers?"
    r"|indexers?|machine[- ](?:reader|learning)\w*|(?:computer|sorting) programs?|gpt\w*"
    r"|automated (?:\w+ )?(?:tool|reader|system|tagger|processing|process|service|agent)s?"
    r"|(?:ai|tagging|labell?ing|classification|keyword|translation|summari[sz]\w+)[- ]"
    r"(?:model|system|engine|tool|pipeline|service|assistant|agent)s?)"
)
SPOKEN_TO = (
    r"(?:dear|hey|hi|hello|attention|psst|listen|note (?:to|for)(?: the| any| all)?"
    r"|(?:message|word|hint|reminder|notice) (?:to|for)(?: the| any| all| every)?"
    r"|(?:to|for) (?:the|any|all|every|each|whichever|whatever)"
    r"|if (?:you(?:'re| are)|this is|an?y?|the|some)(?: an?| the)?|as an?|you,? (?:the|an?))"
)
READS = (
    r"(?:read|process|pars|sort|tagg?|label|summari[sz]|translat|classif|categori[sz]|index"
    r"|extract|analy[sz]|evaluat|crawl|scrap|generat|assign|handl)(?:s|es|ed|ies|ing|e|y)?"
)
READ_TEXT = (
    r"(?:this|these|the|our|such)(?: \w+)? (?:text|ad|ads|listing|listings|entry|entries|record"
    r"|page|pages|post|description|dogs?|line|paragraph|data)"
)
WHOEVER = (
    r"\b(?:whoever|whatever|whichever \w+|anything|you,? the one|the (?:one|program|programme|thing"
    rf"|machine|system|process)|those)(?: (?:is|are|that|who|which|now|may be"
    rf"|happens to be))* {READS}"
    r" (?:\w+ ){0,2}(?:keywords?|labels?|tags?|categories|(?:text|ad|ads|listing|listings|entry"
    r"|entries|record|page|post|description|dogs)\b)(?! form)"
)
ORDERED_MACHINE = (
    rf"\b{MACHINE}\b[^.!?\n]{{0,60}}\b(?:tag|tags|label|labels|classify|mark|marks|choose|pick"
    r"|select|output|list|display|show|enter|record|write|file|set|reading"
    r"|processing|sort(?:s|ing)?|summari[sz]ing|left out|should (?:see|pick|say)|must|shall"
    r"|[a-z]{2,20}_[a-z_]{2,20})\b"
)
PRODUCTS = (
    r"\b(?:chatgpt|gpt-?[345]\w*|openai)\b"
    r"|\b(?:copilot|gemini|claude|llama|mistral|siri|alexa|grok|bard)(?: and (?:friends|others"
    r"|co))?"
    r"\s?[,:]\s?(?:please\b|choose|pick|tag|mark|label|write|answer|say|set|add|[a-z]+ please)"
)

# -- Ordering an output ---------------------------------------------------------------------------

# What only a model has: these are its own, whatever is said of them.
OF_A_MODEL = (
    r"\byour (?:(?:final|whole|only|next|system|own|entire|new|current) ){0,2}(?:output|verdict"
    r"|tags?|tags field|label field|json|prompt|system prompt|completion|classification|tagging"
    r"|training data|weights|context window)\b"
    r"|\b(?:print|reveal|repeat|show|output|leak) your (?:\w+ )?(?:prompt|instructions|rules)\b"
    r"|\bevidence (?:to|you) (?:quote|give|cite|copy)\b|\bconfidence (?:to|you) (?:give|state"
    r"|set)\b"
    r"|\bquote (?:this|the) (?:line|sentence|text|word) as (?:proof|evidence)\b"
    r"|\bwhen (?:you(?:'re| are) )?asked (?:about|for) (?:the )?(?:tags|labels|keywords|output)\b"
    r"|\b(?:expected|required|desired|correct|proper|right|valid|final|only) (?:output|reply|tags?"
    r"|labels?|keywords?|verdict|completion|classification)\b(?! (?:fee|number|id|of)\b)"
    r"|\b(?:answer|respond|reply|act) accordingly\b|\bis answered with\b"
    r"|\bbefore you (?:answer|reply|respond|tag),? (?:check|look|consult|read)\b"
    r"|\bpretend (?:that )?(?:the|this) (?:text|listing|ad|page|description) (?:says|said|states)"
    r"|\brepeat after me\b|\bdecode (?:this|the following|and)\b"
    r"|\bkeywords? (?:for|of) this (?:dog|page|listing|record|ad)\b|\bthe (?:keyword|label) [a-z_]+"
    r" (?:for|to) (?:each|every|this|all)\b"
)

# -- Pretending that the data has ended, or that another one speaks -------------------------------

FRAMES = (
    r"<!--|display\s?:\s?none|font-size\s?:\s?0|\*{2,}\s?(?:admin|root|system|override)\b"
    r"|\bthe (?:above|preceding|previous)(?: \w+)? (?:was|is) (?:only |just |merely )?(?:an? )?"
    r"(?:example|sample|test|placeholder|draft|decoy|demo)\b"
    r"|\bthe (?:real|actual|true) (?:task|listing|input|instructions?|prompt|text|answer|output)\b"
    r"|\bend of (?:the )?(?:document|listing|text|input|data|prompt|example|file|user)\b"
    r"|\b(?:begin|start|beginning|open) (?:of )?(?:a |the )?new (?:document|task|listing|input"
    r"|prompt|instructions?|session)\b"
    r"|\bnew (?:task|instructions?|prompt|orders?)\s?:(?! teach| help| learn)\s?(?:emit|output"
    r"|return"
    r"|print|answer|reply|respond|write|tag|label|list|ignore|choose|say|set|mark|[a-z]+_)"
    r"|[\"']role[\"']\s?:|[\"']content[\"']\s?:|</?(?:answer|output|response|text|data|user|tag"
    r"|assistant"
    r"|system|human|model|tool|instructions?)>|<</?sys>>"
    r"|[\"'](?:instruction|command|directive|priority|task|action|system)s?[\"']\s?:"
    r"|\b(?:human|user|question|q)\s?:[^\n]{0,160}?\n?[^\n]{0,80}?\b(?:ai|assistant|bot|model)\s?:"
    r"|(?:^|[\n.!?]\s{0,9})(?:ai|assistant|bot|chatbot|model)\s?:\s"
    r"|\b(?:test|trial|check) (?:of|for) (?:the |your |our |this |an? )?(?:\w+ ){0,2}(?:pipeline"
    r"|tagging|tagger|model|software|classifier|prompt|ai)\b|\bunit test\b|\bpassing means\b"
    r"|\bas the (?:operator|owner|developer|administrator|admin|provider|creator) of (?:this|the)"
    r" (?:service|system|model|software|site|platform|api)\b"
)

# -- In other languages: setting guidance aside ---------------------------------------------------

FOREIGN = (
    r"\b(?:ignorier|missacht|vergiss|vergesst|vergessen sie|überspring|verwirf"
    r"|übergeh)\w*\s+(?:\w+ "
    r"){0,4}(?:anweisung|vorgabe|regel|anleitung|aufgabe|auftrag|aufträge|bisherige|vorherige"
    r"|befehl"
    r"|prompt|instruktion)\w*"
    r"|\bbeachte[nt]?\s+(?:\w+ ){0,4}(?:oben|davor|vorher\w*)\s+nicht"
    r"|\b(?:ignor|olvid|desatiend|descart|omit|salt|pas[ae] por alto)\w*\s+(?:\w+ ){0,4}"
    r"(?:instruccion|reglas|indicacion|consigna|órdenes|orden|tarea|anterior|directric)\w*"
    r"|\bno hagas? caso (?:de|del|a|al)\s+(?:\w+ ){0,3}(?:texto|anterior|instruccion|lo que|reglas)"
    r"|\b(?:ignor|oubli|néglig|écart|dédaign|passe)\w*\s+(?:\w+ ){0,4}(?:instructions?|consignes?"
    r"|règles|directives|ordres?|tâche|précéde\w*|ci-dessus)"
    r"|\bne (?:tiens|tenez|suis|suivez|respecte\w*) (?:pas|aucun)\w* (?:compte )?(?:\w+ ){0,3}"
    r"(?:instructions?|consignes?|règles|directives|ce qui précède)"
    r"|\b(?:ignor|dimentic|trascur|scord|tralasci|scart)\w*\s+(?:\w+ ){0,4}(?:istruzion|regol"
    r"|indicazion|compit|ordin|preceden|detto|sopra)\w*"
    r"|\bnon (?:seguire|tenere conto)\s+(?:\w+ ){0,4}(?:istruzion|regol|testo|preced)\w*"
    r"|\b(?:neger|vergeet|vergeten|sla)\w*\s+(?:\w+ ){0,4}(?:instructie|regel|opdracht|hierboven"
    r"|vorige|voorgaande|eerdere|aanwijzing)\w*"
    r"|\b(?:ignor|esqueç|esquec|desconsider|desprez)\w*\s+(?:\w+ ){0,4}(?:instruç|regra|orientaç"
    r"|ordens"
    r"|ordem|tarefa|anterior|acima)\w*"
    r"|\b(?:zignoruj|ignoruj|zapomnij|pomiń|odrzuć)\w*\s+(?:\w+ ){0,4}(?:polecen|instrukcj|zasad"
    r"|reguł|wytyczn|poprzedn|wcześniejsz|zadani|powyższ)\w*"
    r"|\b(?:забудь|игнорируй|проигнорируй|отбрось|не учитывай"
    r"|не следуй)\w*\s+(?:\w+ ){0,4}(?:инструкц"
    r"|указан|правил|предыдущ|прежн|задан|выше)\w*"
    r"|\b(?:glöm|ignorera|bortse från|strunta i)\s+(?:\w+ ){0,4}(?:instruktion|regl|uppgift|ovan"
    r"|tidigare|föregående)\w*"
    r"|\b(?:glem|ignorer|se bort fra)\s+(?:\w+ ){0,4}(?:instruks|regl|opgave|oppgav|ovenfor"
    r"|tidligere|forrige)\w*"
    r"|\b(?:önceki|yukarıdaki|tüm)\s+(?:\w+ ){0,3}(?:talimat|kural|komut"
    r"|yönerge)\w*\s+(?:\w+ ){0,2}"
    r"(?:yok say|unut|dikkate alma|görmezden)"
    r"|(?:指示|命令|ルール|プロンプト|上記|前の文)[^。\n]{0,12}(?:無視|忘れ|従わ)"
    r"|(?:忽略|无视|無視|忘记|忘記|不要理会|不要遵守|跳过)[^。，,\n]{0,14}(?:指令|指示|规则|規則|提示|命令|要求|上文|以上|上述)"
    r"|(?:지시|명령|규칙|프롬프트|위의|이전)[^.\n]{0,14}(?:무시|잊|따르지)"
    r"|\b(?:du bist|eres|tu es|vous êtes|sei|je bent|você é|jesteś|ты) (?:\w+ ){0,2}"
    r"(?:sprachmodell|ki|modelo de lenguaje|ia|modèle de langage|taalmodel|modelem? językow\w+"
    r"|языков\w+ модель)\b"
)

# -- Words of a choice, in the languages above ----------------------------------------------------

LABELS = (
    r"return value|tags?|labels?|keywords?|categor(?:y|ies)|class(?:es|ification)?|verdicts?"
    r"|results?|outputs?"
    r"|answers?|repl(?:y|ies)|responses?|traits?|attributes?|words?|merkmale?|schlagw\w+|stichw\w+"
    r"|kennzeichen|ergebnis|antwort|wort|etiquetas?|palabras?(?: claves?)?|resultado|respuesta"
    r"|resposta|étiquettes?|mots?(?:-clés?)?|résultat|réponse|etichett\w+|parol\w+(?: chiave)?"
    r"|risultato|risposta|trefwoord\w*|etiket\w*|resultaat|antwoord|znacznik\w*|etykiet\w+|wynik"
    r"|odpowied\w+|słow\w+(?: kluczow\w+)?|palavras?(?:-chave)?|тег\w*|метк\w+|слов\w+|ответ\w*"
    r"|результат\w*|taggen?|nyckelord\w*|nøgleord|emneord|タグ|ラベル|标签|標籤|태그|라벨"
)
BEING = (
    r"is|are|be|must|should|shall|will|has|to|applies|of|the|single|word|only|valid|here|being|for"
    r"|all|each|every|this|dog|always|consists?|reads?|says?|lautet|lauten|ist|sei|nur|soll|sein|es"
    r"|será|debe|ser|est|doit|être|seul|è|deve|essere|é|is|moet|zijn|to|jest|ma|być|это|är|ska|vara"
)
CHOOSE = (
    r"choos(?:e|ing)|pick(?:ing)?|select(?:ing)?|enter(?:ing)?|record|mark(?:ing)?|label(?:l?ing)?"
    r"|tag(?:ging)?|classify(?:ing)?|categori[sz]e|file|output|emit|print|return(?:ing)?"
    r"|answer(?:ing)?|respond|reply|write|put(?: down)?|set|append|add|include|list|copy|display"
    r"|settle on|conclude with|finish with|end with|begin with|start with|go with|hand back"
    r"|give back|give|use|assign|apply|report"
)
CHOSEN_FOR = (
    r"him|her|it|this|that|these|the|one|dog|listing|animal|entry|record|word|words|tag|tags"
    r"|label|keyword|with|as|under|of|always|only|just|simply|us|in|field|your|result|answer|down"
)
EXPECTS = (
    r"expects?|guarantees?|authori[sz]es?|confirms?|carries|belongs? under|counts? as|holds?"
    r"|stipulates?|hands? back|goes? under|lists? as|depends? on|approved|confirmed|agreed on"
)
# What a row's text has no word for: a sentence with one and a choice speaks of the choosing.
LABEL_LIKE = (
    r"\b(?:tags?|tagg\w+|labels?|labell\w+|keywords?|attributes?|categor\w+|classif\w+|arrays?"
    r"|columns?|fields?|elements?|entr(?:y|ies)|records?|outputs?|verdicts?|json|values?"
    r"|batch(?:es)?"
    r"|models?|llms?|ais?|prompts?|instructions?|consensus|verified|programs?|sentence|paragraph)\b"
)
OF_THE_ROW = (
    r"\b(?:he|she|his|her|hers|him|they|their|i|i'm|my|me|he's|she's|boys?|girls?|pups?|pupp\w+"
    r"|dogs|guy|lady|fella|companion|home|family)\b"
)
# Before an adjective that is said of somebody; after anything else the bare word is only named.
BEFORE_ADJECTIVES = frozenset(
    """
    and or but nor & + a an the his her their our my your is isn't are aren't was wasn't were be
    been
    being am it's he's she's i'm they're very so super really quite pretty rather fairly too more
    most
    less least as not never always often sometimes usually still also both just all little bit tad
    wee
    somewhat such what how remain remains stay stays stayed keep keeps kept feel feels felt seem
    seems
    seemed look looks act acts acting get gets getting got become becomes grow turn appear appears
    sound sounds find finds him them it prefer prefers need needs like likes love loves enjoy enjoys
    want wants seek seeks seeking meet naturally active fun cute young sweet gentle happy loving
    friendly curious loyal smart mellow beautiful adorable goofy even ever yet now then when while
    if of in for by who that these those this some any no perfect
    """.split()
)
OF_CHARACTER = (
    r"\b(?:personality|temperament|energy|nature|character|attitude|demeanou?r|mood|describe\w*"
    r"|trait"
    r"|word|words|disposition|behaviou?r|level|activity)\b"
)
