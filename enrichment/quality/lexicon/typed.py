"""How people type English words, by what they mean, in lower case."""

from collections.abc import Mapping

TYPED: Mapping[str, str] = {
    typed: meant
    for line in """
        you: u ya yall
        your: ur yr yer
        are: r
        with: w wth wit
        and: n nd
        because: bc cuz cause coz cos bcuz
        people: ppl peeps
        please: pls plz plse
        love: luv lov
        great: gr8
        before: b4
        though: tho
        through: thru
        though: altho
        thanks: thx thanx tks
        about: bout abt
        little: lil
        going: goin
        going_to: gonna
        want: wanna
        got_to: gotta
        have_to: hafta
        them: em
        okay: ok okey k
        text: txt
        message: msg
        night: nite
        light: lite
        forever: furever fur-ever 4ever
        whatever: whatevs
        lot: lotta
        kind: kinda
        sort: sorta
        separate: seperate
        until: til till
        least: atleast
        he: hes
        she: shes
        that: thats
        what: whats
        there: theres theyre
        let: lets
        i: im ive
        we: weve
        it: its
        this: dis
        of: o
        favorite: fave fav
        vaccinations: vaccs vacs vax vacc
        information: info
        family: fam
        negative: neg
        positive: pos
        temporary: temp
        month: mo mos mth mths
        weeks: wk wks
        years: yr yrs yo
        awesome: pawsome
        perfect: pawfect purrfect
        positive: pawsitive
        party: pawty
        parents: pawrents furparents
        friend: furriend
        friends: furriends
        update: pupdate
        dog: doggo pupper
        dogs: doggos puppers
        boy: boi
        human: hooman
        humans: hoomans
    """.strip().splitlines()
    for meant, _, rest in [line.strip().partition(": ")]
    for typed in rest.split()
}
