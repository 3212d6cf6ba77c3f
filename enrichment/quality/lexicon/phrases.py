"""English signs and phrases that stand for one word, in lower case, for `gates.wording`."""

from collections.abc import Mapping

# Signs that stand for a word.
SIGNS = (
    ("*", " "), (" non ", " non"), ("w/o ", " without "), ("w/", " with "), ("b/c", " because "),
    ("&", " and "), ("@", " at "), ("#", " pounds "), (">", " over "), ("<", " under "), ("’", "'"),  # noqa: RUF001
)  # fmt: skip
_AT_TIMES = (
    "some days", "some of the time", "at times", "from time to time", "now and then",
    "every now and then", "now and again", "every once in a while", "once in a while",
    "once in awhile", "one in a while", "one in awhile",  # as it is typed
    "on occasion", "every so often",
)  # fmt: skip
# Several words that say one thing, joined before words are looked at.
PHRASES: Mapping[str, str] = {
    # "used to" says something else in these.
    **{
        f"{verb} used to": "accustomed"
        for verb in ("get", "gets", "getting", "got", "is", "are", "not", "becoming", "become")
    },
    "prior to": "before",
    "in order to": "to",
    "due to the fact that": "because",
    "because of": "because",
    "in the event that": "if",
    "in case": "if",
    **{
        f"{put} on {what}": f"{put}_on {what}"
        for put in ("put", "putting")
        for what in ("weight", "pounds", "some", "a few", "lbs", "more", "a little", "a bit")
    },
    "by accident": "accidentally",
    "by mistake": "accidentally",
    **dict.fromkeys(_AT_TIMES, "sometimes"),
    "at all times": "always",
    **{
        f"{almost} all {whom}": f"most {whom}"
        for almost in ("almost", "nearly", "virtually", "just about")
        for whom in "of dogs cats people kids children other new the his her our".split()
    },
    "is to be": "will be",
    "are to be": "will be",
    **{f"always {ready}": "likes" for ready in ("up for", "ready for", "game for", "down for")},
    **{
        f"{place} out of": f"{place} from"
        for place in "rescue shelter comes came come rescued pulled transported flown".split()
    },
    **{f"{amount} amount of": "moderate amount of" for amount in ("fair", "good", "decent")},
    "provided that": "if",
    "providing that": "if",
    **{
        f"{provided} {who}": f"if {who}"
        for provided in ("provided", "providing")
        for who in "he she it they you there we i your his her all no".split()
    },
    "in addition to": "and",
    "as well as": "and",
    "to boot": "also",
    "what's more": "also",
    "on top of that": "also",
    "on top of this": "also",
    "in addition": "also",
    "at this point in time": "now",
    "at this point": "now",
    "at this time": "now",
    "at the moment": "now",
    "at present": "now",
    "right now": "now",
    "as of now": "now",
    "for now": "now",
    **{f"{every} day": "daily" for every in ("every", "each", "once a", "a", "per")},
    **{
        f"every other {unit}": f"alternate {unit}"
        for unit in "day week weekend month monday tuesday wednesday thursday friday saturday"
        " sunday".split()
    },
    "with or without": "with",
    "same day": "same_day",
    "on a daily basis": "daily",
    **{
        f"{fill} {out}": f"complet{ending}"
        for fill, ending in (("fill", "e"), ("filled", "ed"), ("filling", "ing"))
        for out in ("out", "in")
    },
    "get along with": "good with",
    "gets along with": "good with",
    "along with": "and",
    "according to": "says",
    "in search of": "looking for",
    "on the lookout for": "looking for",
    "in need of": "needing",
    "make sure": "ensure",
    "be sure": "ensure",
    "feel free to": "",
    "you may need": "you perhaps need",
    "you may be": "you perhaps be",
    **{
        f"{asked} {you}{modal} have": asked
        for asked in ("questions", "concerns", "questions or concerns", "questions and concerns")
        for you in ("you", "that you")
        for modal in ("", " may", " might")
    },
    "you may have": "you perhaps have",
    "you may": "you can",  # a permission, which an editor may word as a request
    "also known as": "aka",
    "a little bit": "somewhat",
    "a bit": "somewhat",
    "don't hesitate to": "",
    "do not hesitate to": "",
    "give us a call": "call us",
    "give me a call": "call me",
    "give him a call": "call him",
    "give her a call": "call her",
    "reach out to": "contact",
    "get in touch with": "contact",
    "in touch": "contact",
    "check out": "visit",
    "go to our": "visit our",
    "take care of": "care for",
    "taken care of": "cared for",
    "right away": "immediately",
    "straight away": "immediately",
    "put to sleep": "euthanized",
    "dob is": "born",
    "dob": "born",
    "date of birth": "born",
    "birth date": "born",
    "was born": "born",
    "were born": "born",
    "got along with": "good with",
    "getting along with": "good with",
    "et cetera": "etc",
    "and so on": "etc",
    "and so forth": "etc",
    "kind of": "kinda",
    "sort of": "kinda",
    "sorta": "kinda",
    "would love to": "love",
    "would like to": "like",
    "anything but": "not",
    "far from": "not",
    "nowhere near": "not",
    "by no means": "not",
    "free of charge": "free",
    "free of": "not",
    "free from": "not",
    "lack of": "no",
    "no longer": "no_longer",
    "so far": "yet",
    "a while": "awhile",
    **{f"{pay} attention": "attention" for pay in ("pay", "pays", "paying", "paid")},
    **{
        f"{at}no {extra}{cost}": "free"
        for at in ("at ", "")
        for extra in ("", "extra ", "additional ")
        for cost in ("cost", "charge", "fee")
    },
    "quite a few": "many",
    "a few": "some",
    "not any more": "no_longer",
    "not anymore": "no_longer",
    "any more": "no_longer",
    "used to": "used_to",
    "other than": "other_than",
    "apart from": "apart_from",
    "aside from": "aside_from",
    "with the exception": "with_the_exception",
    "has to": "has_to",
    "have to": "have_to",
    "had to": "have_to",
    "have got to": "got_to",
    "has got to": "got_to",
    "going to": "going_to",
    "as long as": "as_long_as",
    "so long as": "so_long_as",
    **{
        f"{place}{sign}{done}": f"{place.replace('potty', 'house')}{done}"
        for place in ("house", "potty")
        for sign in (" ", "-")
        for done in ("trained", "broken", "training", "breaking")
    },
    "has been": "has_been",
    "have been": "has_been",
    "had been": "has_been",
    "only just": "just",
    "up to date": "up_to_date",
    **{
        f"{joint} {bound}": bound
        for joint in ("and", "or")
        for bound in "younger older under over above below less more smaller bigger".split()
    },
    "up to": "under",
    "and up": "over",
    "or up": "over",
    "or not": "",
    **{f"{well} if": well for well in ("best", "better")},
    **{
        f"{until} {who} could": f"{until} {who}"
        for until in ("until", "till", "so")
        for who in ("we", "i", "he", "she", "they")
    },
    **{f"few {span}": f"some {span}" for span in "minutes hours days weeks months years".split()},
    **{f"rest of {whose} life": "lifelong" for whose in ("his", "her", "its", "their", "the")},
    "rest of their lives": "lifelong",
    "life long": "lifelong",
    "for life": "lifelong",
    "it is said that": "reportedly",
    "we are told": "reportedly",
    "we were told": "reportedly",
    **{
        f"{which} {span}": f"{which}_{span}"
        for which in ("this", "next", "last")
        for span in ("week", "month", "year")
    },
    **{
        f"{trained} {how}": f"{trained.replace('home', 'house').replace('potty', 'house')}{how}"
        for trained in ("home",)
        for how in ("trained", "training")
    },
    **{
        f"{verb} {unable} to": said
        for verbs, said in (("am is are", "cannot"), ("was were", "could not"))
        for verb in verbs.split()
        for unable in ("unable", "not able")
    },
    **{
        f"{verb}n't able to": said
        for verbs, said in (("is are", "cannot"), ("was were", "could not"))
        for verb in verbs.split()
    },
    **{f"{has} been unable to": f"{has} not been able to" for has in ("has", "have", "had")},
    "inability to": "could not",
    "absence of": "no",
    "on top of": "plus",
    "part of": "part_of",
    "one of": "one_of",
    "another of": "one_of",
    **{
        f"just {number}": f"only {number}"
        for number in "one two three four five six seven eight nine ten eleven twelve".split()
    },
    **{
        f"{mostly} {color}": color
        for mostly in ("mainly", "mostly", "primarily", "predominantly", "largely")
        for color in "black white brown tan fawn red gray grey brindle cream gold golden blue"
        " yellow chocolate merle tricolor".split()
    },
    "have the ability to": "can",
    "has the ability to": "can",
    "are able to": "can",
    "is able to": "can",
    "most likely": "likely",
    "mostly likely": "likely",
    "very likely": "likely",
    "in all likelihood": "likely",
    "in all probability": "likely",
    "passed away": "died",
    "passes away": "dies",
    "pass away": "die",
    "can not": "cannot",
    "with out": "without",
    "heartworm +": "heartworm positive",
    "hw +": "heartworm positive",
    "a.m.": "am",
    "p.m.": "pm",
    "due to": "because",
    "as soon as possible": "asap",
    "n.e.": "northeast",
    "n.e": "northeast",
    "n . e": "northeast",
    "n.w.": "northwest",
    "n.w": "northwest",
    "n . w": "northwest",
    "s.e.": "southeast",
    "s.e": "southeast",
    "s . e": "southeast",
    "s.w.": "southwest",
    "s.w": "southwest",
    "s . w": "southwest",
    "foster home": "foster",
    "foster homes": "fosters",
    "foster family": "foster",
    "should you": "if you",
    "should we": "if we",
    "at least": "least",
    "at most": "most",
    "a lot": "lot",
    "of course": "",
    "each other": "",
    "one another": "",
}
