"""Which kind of entity a text can be, by its form: an address is no person, “shy” no illness."""

import re
from typing import Final

from enrichment.quality.patterns import compiled_later

# A word that names of breeds have: a slender fox is none. Beginnings, for forms and short forms.
_BREEDS = (
    "affenpinscher airedale akita amstaff anatolian apbt apso aussie azawakh baladi barbet"
    " basenji basset beagle beauceron bergamasco bernard bernese bichon bird bloodhound"
    " bluetick borzoi bouvier boxer boykin briard brittany bull burmese cairn canaan cane"
    " carolina catahoula cattle cavalier cesky chi chihuahua chinook chow chug cirneco clumber"
    " cocker collie coonhound corgi corso coton cross cur dachs dalmatian dandie dane doberman"
    " dobie dogo dogue dood doodle dox elkhound entlebucher eskimo eurasier feist foxhound"
    " galgo greyhound griffon gsd harrier havanese heeler hound hovawart husk ibizan inu jack"
    " jindo jrt keeshond kelpie komondor kooiker kuvasz lab lacy lagotto landseer leonberger"
    " lhasa longdog lowchen lurcher malamute malinois maltese maltipoo mastiff mcnab mini mix"
    " mountain mudi mutt newf norfolk otterhound papillon pariah pek peke pharaoh pinscher pit"
    " plott podenco pointer pomeranian poo poodle potcake presa pug puggle puli pumi pyr"
    " redbone retriever ridgeback rott saarloos saluki samoyed sato schipperke schnauzer"
    " setter shar sheltie shep shiba shih sloughi spaniel spitz springer stabyhoun staff swiss"
    " terrier tibetan tornjak tosa tzu vizsla walker weim westie wheaten whippet wolf xolo"
    " york"
)
# What an illness or injury is called: beginnings of words. Shots, spaying, training, traits and
# what nearly happened to a dog are none.
_ILLNESSES = (
    "abscess acl\\b allerg amput anaemi anaplasm anemi arthrit asthma atroph blind bloat broken"
    " bruis burn cancer cardiac cataract ccl cherry coccidi colitis congenital cough cushing deaf"
    " deform degenerat demodec demodex dementia dental dermatit diabet diarrh disab disease"
    " dislocat distemper dysplasia ehrlichi emaciat entropion epilep fever fleas fractur giardia"
    " glaucoma handicap healthy heart-?worm hepatit hernia hips?\\b hookworm hydroceph hyperthyr"
    " hypothyr ill\\b illness incontinen infect inflam injur ivdd kidney knees?\\b lame leishman"
    " limp liver luxat lyme malnourish malnutrit mange megaesoph missing murmur neurolog obes"
    " overweight pancreat paraly parasit parvo patella pneumon pregnan prolaps rash respiratory"
    " ringworm roundworm scars?\\b seizure sick sprain starv stomatit stroke surger swollen"
    " tapeworm three-?\\s?legged thyroid tplo tripod tumor tumour ulcer underweight uti vestibular"
    " virus wheelchair whipworm worms wound"
)
_NUMBER = r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|an?)\b"
_SITE = (
    r"[a-z0-9][a-z0-9-]*\.(?:[a-z0-9-]+\.)*(?:com|org|net|info|edu|gov|us|ca|uk|eu|de|fr|es|it|nl"
    r"|au|nz|co|io|ly|me|app|care|dog|life|love|online|pet|rescue|shop|site|store)\b"
)
EMAIL: Final = compiled_later(r"[^@\s]{1,64}@[^@\s]{1,253}\.[a-z]{2,24}", re.IGNORECASE)
URL: Final = compiled_later(rf"(?:https?://|www\.)\S+|{_SITE}(?:/\S*)?", re.IGNORECASE)
PHONE: Final = compiled_later(r"\+?\(?\d(?:[\s().-]{0,2}\d){6,14}")
# A person or body has a name of letters that is no address, no pronoun and nobody in particular.
_NAMED = (
    rf"(?!.*@)(?!.*(?:https?://|www\.|{_SITE}))(?!(?:i|you|we|she|he|they|us|me|him|her|them|it)\b)"
    r"(?=.*[^\W\d_]{2})"
)
_NO_PERSON = (
    "rescues? shelters? society societies humane league foundation center centre haven sanctuary"
    " pounds? inc llc spca aspca kennels? clinic hospital store website application dogs? cats?"
    " kittens? puppy puppies pups? hounds? adopters? adopt adoption foster homes? family families"
    " brothers? sisters? grown training walking loving room contact"
)

# What a text of these kinds has at least; the others may be any words.
FORMS = {
    "animal": compiled_later(
        r"\A(?!.*\b(?:rescued?|shelter|adopt\w*|foster|fees?|costs?|expenses?|shots|spay|lbs|pounds)"
        r"\b)(?:\d{1,2}\s)?(?:[^\d\s]+\s){0,3}[^\d\s]+\Z",
        re.IGNORECASE,
    ),
    "breed": compiled_later(rf"\b(?:{'|'.join(_BREEDS.split())})", re.IGNORECASE),
    "phone": compiled_later(r"\d(?:\D{0,3}\d){6}"),
    "email": EMAIL,
    "url": compiled_later(r"https?://|www\.|[a-z0-9]\.[a-z]{2}", re.IGNORECASE),
    "weight": compiled_later(
        rf"(?:{_NUMBER})(?=.*(?:\d|\b)(?:lbs?|pounds?|kgs?|kilos?|kilograms?|oz|ounces?|grams?)\b)",
        re.IGNORECASE,
    ),
    "fee": compiled_later(_NUMBER + r"|\b(?:free|waived)\b", re.IGNORECASE),
    "age": compiled_later(
        rf"\A(?!.*(?:\d|\b)(?:lbs?|pounds?|kgs?)\b).*(?:{_NUMBER}"
        r"|\b(?:pupp(?:y|ies)|pup|senior|adult|young|old|baby|teen))",
        re.IGNORECASE,
    ),
    "date": compiled_later(
        r"\d|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|today"
        r"|tomorrow|yesterday|spring|summer|fall|autumn|winter|day|daily|week|month|year|christmas"
        r"|easter)",
        re.IGNORECASE,
    ),
    "condition": compiled_later(
        r"\A(?!.*\b(?:shots?|vaccin\w*|utd|up[ -]to[ -]date|deworm\w*|spay\w*|neuter\w*"
        rf"|microchip\w*|\w+[ -]trained)\b)(?=.*\b(?:{'|'.join(_ILLNESSES.split())}))",
        re.IGNORECASE | re.DOTALL,
    ),
    "person": compiled_later(
        rf"\A{_NAMED}(?!.*\b(?:{'|'.join(_NO_PERSON.split())})\b)", re.IGNORECASE
    ),
    "place": compiled_later(rf"\A{_NAMED}", re.IGNORECASE),
    "organization": compiled_later(rf"\A{_NAMED}", re.IGNORECASE),
}

# What a text is by its form alone, whatever else it was called; figures may be other things too.
_PLAIN = (("email", EMAIL), ("url", URL), ("phone", PHONE))
_OF_FIGURES = frozenset({"date", "age", "weight", "fee"})
_LETTERS = compiled_later(r"[^\W\d_]+")
_MISTAKEN = frozenset({"person", "organization", "place"})  # for a dog's name


# What makes a breed the name of who cares for it: “American Lurcher Project”.
_BODY = (
    r"(?:\s+(?-i:[A-Z])\w*){0,2}\s+(?:project|rescues?|club|adoptions?|association|haven|society|network"
    r"|foundation|league|sanctuary|friends|team|inc)\b"
)


def is_of_a_body(source: str, text: str) -> bool:
    """Whether a source has a text only within the name of a rescue, club or the like."""
    found = len(re.findall(re.escape(text), source, re.IGNORECASE))
    named = re.findall(rf"{re.escape(text)}{_BODY}", source, re.IGNORECASE)
    return bool(found) and len(named) == found


def kind_of(kind: str, text: str, *, name: str) -> str:
    """The kind of an entity that was called `kind`, where its form or the dog's `name` decides.

    An e-mail address, an address of the web and a telephone number are what they are; the name of
    the row's dog is an animal's. Else `kind`.
    """
    found = next((plain for plain, form in _PLAIN if form.fullmatch(text)), "")
    if found and kind not in _OF_FIGURES:
        return found
    own = frozenset(_LETTERS.findall(text.casefold()))
    if kind in _MISTAKEN and own and own <= frozenset(_LETTERS.findall(name.casefold())):
        return "animal"
    return kind
