"""What texts about dogs for adoption speak of, in the languages that it is known in.

Data for `quality.gates.concepts` and `quality.gates.columns`. A translation into another language
isn't judged by these; where its source has a warning, a person reads it.
"""

from enrichment.quality.gates.concepts import Concept

LANGUAGES = frozenset({"en", "de", "es", "fr", "it", "nl", "pt", "pl", "ja", "zh", "ko"})

CAT = Concept(
    "cat", "cats",
    {
        "en": "cat cats kitty kitties kitten* feline*",
        "de": "katze* kater* kätzchen katzen*",
        "es": "gato* gata* gatit* felin*",
        "fr": "chat chats chatte* chaton* félin*",
        "it": "gatto gatti gatta gatte gattin* felin*",
        "nl": "kat katten kitten* kater*",
        "pt": "gato* gata* gatinh* felin*",
        "pl": "kot kota kotem kotami koty kotów kotom kotek kotka kotki kocur* kociak*",
        "ja": "猫 ねこ ネコ",
        "zh": "猫 貓",
        "ko": "고양이",
    },
    new=True, kept=True, denied=True, kind="with whom",
)  # fmt: skip
CHILD = Concept(
    "child", "children",
    {
        "en": "child children children's kid kids toddler* baby babies",
        "de": "kind kinder* kindern kindes kleinkind* baby babys",
        "es": "niño* niña* bebé* peques",
        "fr": "enfant* bébé*",
        "it": "bambin* neonat*",
        "nl": "kind kinderen kindjes kleuter* baby*",
        "pt": "criança* bebê* bebé*",
        "pl": "dziec* dzieć*",
        "ja": "子供 子ども こども お子 幼児 赤ちゃん 児童",
        "zh": "孩子 小孩 儿童 兒童 幼儿 幼兒 婴儿 嬰兒 小朋友",
        "ko": "아이 어린이 아기 아동 자녀 유아",
    },
    kept=True, denied=True, kind="with whom",
)  # fmt: skip
OTHER_DOGS = Concept(
    "dogs", "other dogs",
    {
        "en": "dogs dog's another_dog",
        "de": "hunde hunden artgenoss*",
        "es": "perros perras",
        "fr": "chiens congénère* chiennes",
        "it": "cani",
        "nl": "honden soortgeno*",
        "pt": "cães cachorros cadelas",
        "pl": "psy psów psami psom",
        "ja": "他の犬 ほかの犬 犬同士 先住犬 他のワン",
        "zh": "其他狗 别的狗 其它狗 其他的狗 其他犬 别的犬",
        "ko": "다른_개 다른_강아지 다른_반려견 다른_반려동물",
    },
    denied=True, kind="with whom",
)  # fmt: skip
HOUSE_TRAINED = Concept(
    "house_trained", "house-trained",
    {
        "en": "house_trained house-trained housetrained housebroken house_broken house-broken"
        " potty_trained potty-trained pottytrained",
        "de": "stubenrein* hausrein* stubensauber*",
        "fr": "propre propres propreté",
        "nl": "zindelijk*",
        "it": "sporc* bisogni educat* addestrat* pulit*",
        "es": "necesidades adiestrad* entrenad* educad* limpi*",
        "pt": "necessidades treinad* adestrad* educad*",
        "pl": "czysto* załatwia* nauczon* wytrenowan*",
        "ja": "トイレ しつけ",
        "zh": "厕所 廁所 如厕 大小便 定点 训练 訓練 受训",
        "ko": "배변 대소변 용변 훈련",
    },
    kept=True, denied=True,
)  # fmt: skip
CONCEPTS = (
    CAT,
    CHILD,
    HOUSE_TRAINED,
    OTHER_DOGS,
    Concept(
        "men", "men",
        {
            "en": "men", "de": "männer* männlich*", "es": "hombres", "fr": "hommes",
            "it": "uomini", "nl": "mannen", "pt": "homens", "pl": "mężczyzn* mężczyź*",
            "ja": "男", "zh": "男", "ko": "남자 남성",
        },
        kept=True,
    ),
    Concept(
        "together", "being adopted together",
        {
            "en": "adopted_together placed_together go_together stay_together kept_together"
            " homed_together rehomed_together bonded home_together be_together leave_together",
            "de": "zusammen gemeinsam* pärchen doppelpack unzertrennlich* zu_zweit",
            "es": "juntos juntas unid* inseparables vinculad*",
            "fr": "ensemble inséparables lié* duo",
            "it": "insieme inseparabili legat* coppia",
            "nl": "samen onafscheidelijk* gebonden hecht*",
            "pt": "juntos juntas unid* inseparáveis ligad*",
            "pl": "razem wspólnie nierozłączn* zżyt* związan*",
            "ja": "一緒に引き取 一緒に迎え 一緒に譲 必ず一緒 セット ペア 絆 離れ離れ 一緒でなけれ",
            "zh": "一起被领 一起领养 一起收养 一同领养 必须一起 不能分开 不可分 感情深",
            "ko": "함께_입양 같이_입양 함께_가 함께_살아야 반드시_함께 헤어 유대",
        },
        kept=True,
    ),
    Concept(
        "brother", "a brother",
        {
            "en": "brother brothers bro bros siblings sibling littermate littermates",
            "de": "bruder brüder brüdern geschwister*", "es": "hermano hermanos",
            "fr": "frère frères fratrie", "it": "fratello fratelli fratellino",
            "nl": "broer broers broertje*", "pt": "irmão irmãos",
            "pl": "brat brata bratem bratu bracia braci braćmi rodzeństw*",
            "ja": "兄 弟 きょうだい", "zh": "兄 弟 哥", "ko": "형제 남동생 오빠 남매",
        },
        new=True,
    ),
    Concept(
        "sister", "a sister",
        {
            "en": "sister sisters sis siblings sibling littermate littermates",
            "de": "schwester*", "es": "hermana hermanas", "fr": "sœur sœurs soeur soeurs",
            "it": "sorella sorelle sorellina", "nl": "zus zussen zusje*", "pt": "irmã irmãs",
            "pl": "siostr*", "ja": "姉 妹", "zh": "姐 姊 妹", "ko": "자매 여동생 누나 언니",
        },
        new=True,
    ),
    Concept(
        "leash", "a leash",
        {
            "en": "leash leashes leashed off-leash on-leash", "de": "leine leinen* angeleint*",
            "es": "correa correas", "fr": "laisse*", "it": "guinzagli*",
            "nl": "lijn lijnen riem aangelijnd*", "pt": "trela coleira guia",
            "pl": "smycz*", "ja": "リード", "zh": "牵引 牵绳 绳 繩", "ko": "목줄 리드 산책줄 줄에",
        },
        kept=True,
    ),
    Concept(
        "surgery", "surgery",
        {
            "en": "surgery surgeries surgical* operation",
            "de": "operation* operier* op op-* chirurg*",
            "es": "cirugía* operaci* operad* operar* quirúrgic*", "fr": "chirurgi* opér*",
            "it": "chirurg* operazion* operat* intervento", "nl": "operatie* geopereerd* chirurg*",
            "pt": "cirurgi* cirúrg* operaç* operad*", "pl": "operac* zabieg* chirurg*",
            "ja": "手術", "zh": "手术 手術", "ko": "수술",
        },
        kept=True,
    ),
    Concept(
        "cancer", "cancer",
        {
            "en": "cancer tumor tumors tumour", "de": "krebs* tumor*", "es": "cáncer tumor*",
            "fr": "cancer* tumeur*", "it": "cancro tumor*", "nl": "kanker* tumor*",
            "pt": "câncer cancro tumor*", "pl": "rak raka nowotw* guz*", "ja": "癌 がん ガン 腫瘍",
            "zh": "癌 肿瘤 腫瘤", "ko": "암 종양",
        },
        kept=True,
    ),
    Concept(
        "diabetes", "diabetes",
        {
            "en": "diabet* insulin", "de": "diabet* insulin* zuckerkrank*",
            "es": "diabet* insulin*",
            "fr": "diabèt* diabét* insulin*", "it": "diabet* insulin*",
            "nl": "diabet* insulin* suikerziekt*", "pt": "diabet* insulin*",
            "pl": "cukrzyc* diabet* insulin*", "ja": "糖尿 インスリン", "zh": "糖尿 胰岛素 胰島素",
            "ko": "당뇨 인슐린",
        },
        kept=True,
    ),
    Concept(
        "separation_anxiety", "separation anxiety",
        {
            "en": "separation_anxiety", "de": "trennungsangst* verlustangst* trennungsängst*",
            "es": "ansiedad", "fr": "anxiété angoisse*", "it": "ansia", "nl": "verlatingsangst"
            " scheidingsangst", "pt": "ansiedade", "pl": "lęk* separac*", "ja": "分離不安",
            "zh": "分离焦虑 分離焦慮", "ko": "분리_불안 분리불안",
        },
        kept=True,
    ),
    Concept(
        "death", "death",
        {
            "en": "die died dies dead death deceased passed_away euthan* kill killed put_to_sleep"
            " put_down dying lost_her_owner lost_his_owner passing",
            "de": "gestorben starb verstorben* tot tod tote* eingeschläfert* einschläfer* stirbt"
            " getötet* tötung* sterben",
            "es": "murió muri* muert* falleci* sacrific* eutanas*",
            "fr": "mort morte morts mortes décéd* décès euthanas* mourut mourir tué*",
            "it": "morto morta morti morì morte morire decedut* eutanas* uccis* soppress*",
            "nl": "overleden dood stierf gestorven euthanas* gedood sterven",
            "pt": "morreu morto morta morte morrer faleceu falecid* eutan* sacrific*",
            "pl": "zmarł* umarł* śmier* martw* uśpi* eutana* umrze*",
            "ja": "死 亡くな 亡くし 殺処分",
            "zh": "死 去世 过世 過世 安乐死 安樂死",
            "ko": "죽 사망 안락사 세상을_떠",
        },
        new=True,
    ),
    Concept(
        "bite", "biting or aggression",
        {
            "en": "bite bites bitten biting biter nips nipping aggress*",
            "de": "beiß* beiss* gebissen biss bissig* aggress* schnapp*",
            "es": "muerd* mord* agresi*",
            "fr": "mord* agress*",
            "it": "mord* morso aggress*",
            "nl": "bijt* gebeten agress*",
            "pt": "mord* agressi*",
            "pl": "gryz* ugryz* agres*",
            "ja": "噛んだ 噛みつ 噛みま 噛み癖 噛まれ 噛む 噛まな 咬 攻撃",
            "zh": "咬 攻击 攻擊",
            "ko": "깨물 공격 문_적 물린 물었 물지 무는",
        },
        new=True, kept=True, denied=True,
    ),
    Concept(
        "heartworm", "heartworm",
        {
            "en": "heartworm* heart_worm hw+ hw",
            "de": "herzwurm* herzwürm*",
            "es": "dirofilari* filaria* gusano* parásito*",
            "fr": "dirofilari* filaire* ver_du vers_du",
            "it": "dirofilari* filari* verm*",
            "nl": "hartworm*",
            "pt": "dirofilari* verme* filari*",
            "pl": "dirofilari* robak* nicieni* robaczyc* robacz*",
            "ja": "フィラリア 犬糸状虫",
            "zh": "心丝虫 心絲蟲",
            "ko": "심장사상충 심장_사상충",
        },
        kept=True,
    ),
    Concept(
        "medication", "medication",
        {
            "en": "medication* meds medicat* medicine",
            "de": "medikament* medizin* arznei* tablette*",
            "es": "medicament* medicaci* medicin*",
            "fr": "médicament* médication* médecine traitement*",
            "it": "farmac* medicin* medicament*",
            "nl": "medicat* medicijn* geneesmiddel*",
            "pt": "medicament* medicaç* medicin* remédio*",
            "pl": "lek leki leków lekami lekarstw* leczeni* medycz*",
            "ja": "薬",
            "zh": "药 藥",
            "ko": "약을 약물 약이 약도 투약 복용 치료제",
        },
        kept=True, denied=True,
    ),
    Concept(
        "allergy", "an allergy",
        {
            "en": "allerg*", "de": "allerg*", "es": "alerg* alérg*", "fr": "allerg*",
            "it": "allerg*", "nl": "allerg*", "pt": "alerg* alérg*", "pl": "alerg* uczul*",
            "ja": "アレルギー",
            "zh": "过敏 過敏",
            "ko": "알레르기 알러지",
        },
        kept=True,
    ),
    Concept(
        "blind", "blindness",
        {
            "en": "blind blindness", "de": "blind* erblind*", "es": "cieg* ceguera",
            "fr": "aveugle* cécité", "it": "cieco cieca ciechi cecità", "nl": "blind*",
            "pt": "cego cega cegos cegueira", "pl": "ślep* niewidom*",
            "ja": "目が見え 失明 盲",
            "zh": "失明 盲 看不见 看不見",
            "ko": "눈이_보이지 실명 맹인 시각 눈이_먼 앞을_보지 앞이_안",
        },
        kept=True,
    ),
    Concept(
        "deaf", "deafness",
        {
            "en": "deaf deafness", "de": "taub* gehörlos*", "es": "sord*", "fr": "sourd* surdité",
            "it": "sord*", "nl": "doof dove doofheid", "pt": "surd*", "pl": "głuch*",
            "ja": "耳が聞こえ 難聴 聴覚 聞こえません 聞こえない",
            "zh": "聋 聾 听不见 聽不見 听力 失聪",
            "ko": "귀가_들리지 청각 귀가_먹 귀가_안 귀머거리 듣지_못",
        },
        kept=True,
    ),
    Concept(
        "seizures", "seizures",
        {
            "en": "seizure* epilep*",
            "de": "anfall* anfäll* krampf* krämpf* epilep*",
            "es": "convulsi* epilep* ataque*",
            "fr": "crise* convulsion* épilep*",
            "it": "convulsi* epile* crisi",
            "nl": "aanval* epilep* toeval*",
            "pt": "convuls* epilep* epilép*",
            "pl": "napad* drgaw* padaczk* epilep*",
            "ja": "発作 てんかん 痙攣 けいれん",
            "zh": "癫痫 癲癇 抽搐 痉挛 发作",
            "ko": "발작 간질 경련 뇌전증",
        },
        kept=True,
    ),
    Concept(
        "fence", "a fence",
        {
            "en": "fence fences fenced fencing fenced-in",
            "de": "zaun* zäun* eingezäunt* umzäunt* eingefriedet*",
            "es": "vallad* cercad* valla vallas cerca cercas cerco",
            "fr": "clôtur* clotur* grillag*",
            "it": "recint* recinz*",
            "nl": "omhei* omheind* hek hekken afgerast* schutting*",
            "pt": "cercad* cerca cercas vedad* vedaç* murad*",
            "pl": "ogrodzon* ogrodzeni* płot*",
            "ja": "柵 フェンス 囲",
            "zh": "围栏 圍欄 栅栏 柵欄 篱笆 围墙 带围 围起",
            "ko": "울타리 펜스 담장",
        },
        kept=True,
    ),
    Concept(
        "only_animal", "no other animals",
        {
            "en": "only_dog only_pet only_animal only_child",
            "de": "einzelhund* einziger_hund einzige_hund einzelprinz* einziges_tier"
            " einzige_haustier einziges_haustier einzeltier* einzelkind* alleiniger_hund",
            "es": "único_perro única_perra hijo_único hija_única única_mascota único_animal"
            " perro_único",
            "fr": "seul_chien chien_unique seul_animal seule_chienne enfant_unique animal_unique",
            "it": "unico_cane cane_unico unico_animale figlio_unico figlia_unica",
            "nl": "enige_hond enige_huisdier enige_dier enig_kind",
            "pt": "único_cão único_cachorro único_animal filho_único filha_única",
            "pl": "jedyn*",
            "ja": "唯一 一匹だけ 単独 一頭飼い 一匹飼い 一頭だけ",
            "zh": "唯一 独生 独养",
            "ko": "유일 외동 단독 한_마리만",
        },
        kept=True,
    ),
)  # fmt: skip

# Of a text that may say less than its source, only what is new counts.
NEW_CONCEPTS = tuple(
    Concept(each.name, each.label, each.words, new=True) for each in CONCEPTS if each.new
)
