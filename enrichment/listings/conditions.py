"""What an adoption asks for and what was done for a dog, in the languages that are known.

Data for `quality.gates.concepts` beside `listings.concepts`: none of these may get lost on the way
into another language. Each line is a language with its words.
"""

from collections.abc import Iterator

from enrichment.quality.gates.concepts import Concept

_CONDITIONS = """
microchip, a microchip, kept denied
    en microchip* micro-chip* chip chipped
    de mikrochip* microchip* gechip* chip
    es microchip* chip
    fr puce* pucé* micropuce* identifi*
    it microchip* chip microcip
    nl chip* gechipt microchip*
    pt microchip* chip
    pl chip* czip* mikroczip* mikrochip* zaczip* zachip*
    ja チップ
    zh 芯片 晶片
    ko 칩
vaccination, vaccination, kept denied
    en vaccin* shots immuniz* unvaccinated
    de impf* geimpf* ungeimpf* durchgeimpf* grundimmun*
    es vacun*
    fr vaccin*
    it vaccin*
    nl vaccin* gevaccin* ingeënt* inenting* geënt
    pt vacin*
    pl szczepi* zaszczepi* szczepień
    ja ワクチン 予防接種
    zh 疫苗 接种 接種
    ko 백신 접종
neutered, neutering, kept denied
    en neuter* spay* castrat* steriliz* unneutered unspayed
    de kastri* sterilis* kastrat* unkastri*
    es castra* esteriliz*
    fr castr* stéril*
    it castr* steriliz*
    nl gecastr* gesteril* castr* steril*
    pt castr* esteril*
    pl kastr* steryliz* wykastr* wysteryl*
    ja 去勢 避妊 不妊
    zh 绝育 絕育 结扎 結紮
    ko 중성화
foster, a foster home, kept
    en foster*
    de pflege* pflegt* gepflegt*
    es acogid* acoge* acogim* temporal* adoptiv* foster* tránsito
    fr accueil* famille foster*
    it affid* stallo temporane* adottiv* foster* ospit*
    nl pleeg* opvang* gastgezin* foster*
    pt acolh* temporári* provisór* adotiv* foster*
    pl tymczas* zastępcz* opiek* foster*
    ja 預か フォスター 里親 一時 仮
    zh 寄养 寄養 中途 暂养 暫養 寄宿 领养 领養
    ko 위탁 임시 임보 보호 수양
experience, experience, kept
    en experience experienced
    de erfahr* hundeerfahr* erleb*
    es experiencia* experimenta* expert* vivenci*
    fr expér* expert*
    it esperien* espert* esperiment*
    nl ervar* ervaren*
    pt experiên* experiente* experimenta* vivência*
    pl doświadcz*
    ja 経験 体験
    zh 经验 經驗 经历 經歷 体验
    ko 경험 숙련
muzzle, a muzzle, kept denied
    en muzzle*
    de maulkorb* maulkörb*
    es bozal*
    fr muselière* muselé*
    it museruol*
    nl muilkorf* muilkorv* muilband*
    pt focinheira* açaim*
    pl kagan* kagań*
    ja 口輪 マズル
    zh 嘴套 口套 嘴笼
    ko 입마개
barking, barking, denied
    en bark barks barking barker barked
    de bell* gebell*
    es ladr*
    fr aboi* aboy*
    it abbai*
    nl blaf*
    pl szczek*
    ja 吠
    zh 吠
    ko 짖
returned, having been returned, denied
    en returned
    de zurückg* zurückb*
    es devuelt* devolvi*
    fr rendu* retourné* ramené*
    it restituit* riportat* reso
    nl terugg*
    pt devolv*
    pl zwróc* oddan*
    ja 返
    zh 退 送回
    ko 파양 반환
only, “only”, kept
    en only solely exclusively
    de nur erst einzig* ausschließlich* lediglich bloß allein* einziges
    es solo sólo sola solamente únic* exclusiv* apenas
    fr seul* unique* que qu'à qu'avec qu'un qu'une exclusiv*
    it solo sola soltanto solamente unic* esclusiv* appena
    nl alleen slechts enkel enige uitsluitend maar pas
    pt só somente apenas únic* exclusiv* sozinh*
    pl tylko jedyn* wyłącznie zaledwie dopiero
    ja だけ のみ しか 限 唯一 わずか まだ たった
    zh 只 仅 僅 唯一 才 单独 單獨
    ko 만 뿐 유일 오직 전용
must, “must”, kept
    en required mandatory must_be must_go must_live must_meet must_come must_get must_stay
        must_love must_leave must_wear must_agree must_fill must_take must_own must_join a_must
    de muss müss* pflicht* erforder* notwend* voraussetz* verpflicht* nötig* zwingend* benötig*
        unbedingt verlang*
    es deb* tiene_que tienen_que tendrá* requier* requer* requisit* obligat* necesari* se_necesita*
        hay imprescindible* exig*
    fr doi* dev* faut obligat* requis* nécess* exig* impérat* indispens*
    it dev* dov* obblig* richied* richiest* necessar* bisogn* requisit* serve va
    nl moet* verplicht* vereist* noodzak* nodig dien*
    pt dev* obrigat* necess* exig* precis* requ* tem têm terá* imprescind*
    pl mus* obowiązk* wymag* koniecz* trzeba należy niezbędn* potrzeb* powin*
    ja 必要 必須 必ず なければ ねば べき
    zh 必须 必須 需 务必 務必 一定 要求 得
    ko 해야 필수 반드시 필요 어야 아야 셔야 여야
"""


def _conditions() -> list[Concept]:
    found: list[Concept] = []
    head, words = "", dict[str, str]()
    lines = _CONDITIONS.strip().replace("\n        ", " ").splitlines()
    for line in (*lines, ""):
        if line.startswith("    "):
            language, _, its = line.strip().partition(" ")
            words[language] = its
            continue
        if head:
            name, label, rules = head.split(", ")
            found.append(
                Concept(name, label, words, kept="kept" in rules, denied="denied" in rules)
            )
        head, words = line, {}
    return found


# Places that texts name, and how languages write those that they have another form of.
_PLACES = """
    alabama alaska arizona arkansas colorado connecticut delaware idaho illinois indiana iowa kansas
    kentucky maine maryland massachusetts michigan minnesota mississippi/misisipi/misisipí
    missouri/misuri montana nebraska nevada ohio oklahoma oregon/oregón utah vermont/vermonte
    wisconsin wyoming tennessee texas/tejas california/kalifornien/californie/califórnia/californië
    florida/floride/flórida georgia/géorgie/geórgia hawaii/hawái/hawai/hawaï/havaí
    louisiana/luisiana/louisiane pennsylvania/pensilvania/pennsylvanie/pensilvânia/pennsylvanië
    virginia/virginie/virgínia washington denver dallas houston austin chicago boston seattle
    portland phoenix tucson atlanta miami tampa orlando memphis nashville detroit cleveland columbus
    cincinnati pittsburgh baltimore omaha tulsa boise albuquerque sacramento minneapolis milwaukee
    indianapolis louisville charlotte raleigh richmond brooklyn spokane wichita toledo akron dayton
"""
_PLACES_IN = ("en", "de", "es", "fr", "it", "nl", "pt")


def _places() -> Iterator[Concept]:
    for place in _PLACES.split():
        name, *others = place.split("/")
        words = {
            language: name if language == "en" else " ".join((*_elided(name), *others))
            for language in _PLACES_IN
        }
        yield Concept(name, name.capitalize(), words, kept=True)


def _elided(name: str) -> tuple[str, ...]:
    """With what French and Italian put before a vowel, and with a German ending."""
    return name, f"{name}s", *(f"{before}'{name}" for before in ("l", "d", "dell", "nell", "all"))


# Breeds that have one name everywhere, with what English listings call them besides.
_BREEDS = """
    akita beagle boxer chihuahua/chi/chis collie corgi doberman/dobie/dobies/dobe
    husky/huskies labrador/lab/labs pomeranian/pom/poms/pomerania/pomerano/pomer rottweiler/rottie
    schnauzer terrier yorkshire/yorkie/yorkies
"""


def _breeds() -> Iterator[Concept]:
    for breed in _BREEDS.split():
        name, *others = breed.split("/")
        words = " ".join((f"{name}*", *others))
        named = dict.fromkeys(_PLACES_IN, words)
        yield Concept(name, name.capitalize(), named, new=True, kept=True)


CONDITIONS = (*_conditions(), *_places(), *_breeds())
