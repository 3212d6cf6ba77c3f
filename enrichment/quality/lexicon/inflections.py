"""English forms that no ending tells: the base word by the form, in lower case.

Closed classes, of words that texts about people, animals and things use; others keep their form.
"""

from collections.abc import Mapping

_FORMS = """
    arise/arose,arisen awake/awoke,awoken beat/beaten become/became begin/began,begun bend/bent
    bite/bitten,biting bleed/bled blow/blew,blown break/broke,broken breed/bred bring/brought
    build/built buy/bought catch/caught choose/chose,chosen,choosing come/came creep/crept
    deal/dealt dig/dug,digging draw/drew,drawn drink/drank,drunk drive/drove,driven,driving
    eat/ate,eaten fall/fell,fallen feed/fed feel/felt fight/fought find/found flee/fled
    fly/flew,flown forget/forgot,forgotten forgive/forgave,forgiven freeze/froze,frozen
    get/got,gotten
    give/gave,given grow/grew,grown hang/hung hear/heard hide/hid,hidden,hiding hold/held keep/kept
    know/knew,known leave/left lend/lent lose/lost mean/meant meet/met pay/paid
    ride/rode,ridden,riding ring/rang,rung run/ran say/said see/saw,seen seek/sought
    sell/sold send/sent shake/shook,shaken shine/shone show/shown sing/sang,sung sink/sank,sunk
    sit/sat sleep/slept slide/slid speak/spoke,spoken spend/spent stand/stood steal/stole,stolen
    stick/stuck strike/struck swear/swore,sworn swim/swam,swum swing/swung take/took,taken
    teach/taught tear/tore,torn tell/told think/thought throw/threw,thrown understand/understood
    wake/woke,woken wear/wore,worn win/won write/wrote,written,writing
    child/children man/men woman/women foot/feet tooth/teeth mouse/mice goose/geese person/people
    knife/knives wife/wives half/halves calf/calves
    dream/dreamt learn/learnt burn/burnt leap/leapt kneel/knelt spoil/spoilt lean/leant smell/smelt
    spell/spelt light/lit lie/lying die/dying tie/tying swell/swollen prove/proven shed/shedding
    try/tried,tries cry/cried,cries dry/dried,dries far/farther,farthest,further
"""
BASES: Mapping[str, str] = {
    form: base
    for each in _FORMS.split()
    for base, _, forms in (each.partition("/"),)
    for form in forms.split(",")
}
