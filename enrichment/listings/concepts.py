"""What texts about dogs for adoption speak of, in the languages that it is known in.

Data for `quality.gates.concepts` and `quality.gates.columns`. A translation into another language
isn't judged by these; where its source has a warning, a person reads it.
"""

from enrichment.quality.gates.columns import Choice, Statement
from enrichment.quality.gates.concepts import Concept

LANGUAGES = frozenset({"en", "de", "es", "fr", "it", "nl", "pt", "pl"})

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
    },
    new=True, kept=True, denied=True,
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
    },
    kept=True, denied=True,
)  # fmt: skip
OTHER_DOGS = Concept(
    "dogs", "other dogs",
    {
        "en": "dogs",
        "de": "hunde hunden artgenoss*",
        "es": "perros perras",
        "fr": "chiens congénère* chiennes",
        "it": "cani",
        "nl": "honden soortgeno*",
        "pt": "cães cachorros cadelas",
        "pl": "psy psów psami psom",
    },
)  # fmt: skip
HOUSE_TRAINED = Concept(
    "house_trained", "house-trained",
    {
        "en": "house_trained house-trained housetrained housebroken house_broken house-broken"
        " potty_trained potty-trained",
        "de": "stubenrein*",
        "fr": "propre propres",
        "nl": "zindelijk*",
        "it": "sporc* educat*_in_casa",
        "es": "adiestrad*_en_casa educad*_en_casa",
        "pt": "educad*_em_casa",
        "pl": "czystości",
    },
    new=False, denied=True,
)  # fmt: skip
CONCEPTS = (
    CAT,
    CHILD,
    HOUSE_TRAINED,
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
        },
        kept=True,
    ),
    Concept(
        "allergy", "an allergy",
        {
            "en": "allerg*", "de": "allerg*", "es": "alerg* alérg*", "fr": "allerg*",
            "it": "allerg*", "nl": "allerg*", "pt": "alerg* alérg*", "pl": "alerg* uczul*",
        },
        kept=True,
    ),
    Concept(
        "blind", "blindness",
        {
            "en": "blind blindness", "de": "blind* erblind*", "es": "cieg* ceguera",
            "fr": "aveugle* cécité", "it": "cieco cieca ciechi cecità", "nl": "blind*",
            "pt": "cego cega cegos cegueira", "pl": "ślep* niewidom*",
        },
        kept=True,
    ),
    Concept(
        "deaf", "deafness",
        {
            "en": "deaf deafness", "de": "taub* gehörlos*", "es": "sord*", "fr": "sourd* surdité",
            "it": "sord*", "nl": "doof dove doofheid", "pt": "surd*", "pl": "głuch*",
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
        },
        kept=True,
    ),
)  # fmt: skip

# Of a text that may say less than its source, only what is new counts.
NEW_CONCEPTS = tuple(
    Concept(each.name, each.label, each.words, new=True) for each in CONCEPTS if each.new
)
_SUITS = {
    "en": "good great fine well loves love likes enjoys friendly along ok okay adores perfect"
    " ideal suitable best compatible wonderful amazing excellent gentle sweet safe tolerates",
    "de": "gut verträgt verträglich liebt mag freundlich geeignet versteht lieb kinderlieb",
    "es": "bien bueno buena ama encanta encantan quiere amigable adora ideal apto apta",
    "fr": "bien entend aime adore gentil gentille idéal convient sociable",
    "it": "bene d'accordo ama adora affettuoso adatto adatta buono buona",
    "nl": "goed houdt lief vriendelijk geschikt dol",
    "pt": "bem dá ama adora amigável ideal bom boa",
    "pl": "dobrze lubi kocha uwielbia przyjazny przyjazna dogaduje",
}
STATEMENTS = (
    Statement("good_with_children", "good with children", CHILD, _SUITS),
    Statement("good_with_cats", "good with cats", CAT, _SUITS),
    Statement("good_with_dogs", "good with dogs", OTHER_DOGS, _SUITS),
    Statement("house_trained", "house-trained", HOUSE_TRAINED),
)
_MALE = "he him his himself he's boy male gentleman"
_FEMALE = "she her hers herself she's girl female lady gal"
CHOICES = (
    Choice("sex", "sex", {"male": {"en": _MALE}, "female": {"en": _FEMALE}}),
    Choice(
        "age", "age",
        {
            "baby": {"en": "puppy pup baby", "de": "welpe*", "es": "cachorr*", "fr": "chiot*"},
            "senior": {
                "en": "senior elderly aging", "de": "senior* ältere*", "es": "senior anciano*",
                "fr": "senior âgé*",
            },
            "young": {"en": "young youngster"},
            "adult": {"en": "adult"},
        },
        opposed=(("baby", "senior"), ("young", "senior"), ("adult", "baby")),
    ),
)  # fmt: skip
