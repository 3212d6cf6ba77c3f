"""Short forms in listings and what they stand for; in capitals where only those count."""

from collections.abc import Mapping

_FORMS = """
bord: bordetella
fb: facebook
pic: picture, photo
pics: pictures, photos
ref: reference
refs: references
vid: video
vids: videos
min: minutes, minimum
pref: preferred
acd: australian cattle dog
add'l: additional
amstaff: american staffordshire terrier
apbt: american pit bull terrier
app: application
approx: approximately, about, around
apps: applications
appt: appointment
appx: approximately, about
apt: apartment
apts: apartments
aussie: australian shepherd
avail: available
avg: average
b/c: because
bc of: because of
bc: border collie
bday: birthday
beg: beginning
boston: boston terrier
catahoula: catahoula leopard dog
cavalier: cavalier king charles spaniel
chi: chihuahua
chipped: microchipped
ckcs: cavalier king charles spaniel
dachsie: dachshund
dob: date of birth, born
dobie: doberman
doxie: dachshund
dsh: domestic shorthair
eval: evaluation
fam: family
fem: female
fixed: spayed, neutered
fri: friday
ft: feet, fort
fur baby: dog
furever: forever
golden: golden retriever
gsd: german shepherd, german shepherd dog
heeler: australian cattle dog
hr: hour
hwy: highway
pkwy: parkway
rd: road
blvd: boulevard
ave: avenue
ext: extension
meds: medication, medications
mtn: mountain
hrs: hours
hw+: heartworm positive
hw-: heartworm negative
hw: heartworm
incl: includes, including, included
info: information
jrt: jack russell terrier, jack russell
lab: labrador, labrador retriever
lb: pound, pounds
lbs: pounds
luv: love
luvs: loves
med: medium
min pin: miniature pinscher
mins: minutes
mo: month, months
mon: monday
mos: months
n.e: northeast
neb: nebraska
neg: negative
neut: neutered
pin: pinscher
pit: pit bull, pitbull
pittie: pit bull
pitty: pit bull
pls: please
plz: please
pos: positive
ppl: people
prob: probably
pup: puppy
pups: puppies
pyr: great pyrenees
req: required, requires
rottie: rottweiler
sat: saturday
spay: spayed
sr: senior
staffie: staffordshire bull terrier
sun: sunday
temp: temporary
tho: though
thru: through
thu: thursday
thur: thursday
thurs: thursday
tue: tuesday
tues: tuesday
txt: text
utd: up to date
vacc: vaccinated, vaccinations
vacs: vaccinations, vaccines
vax: vaccinated, vaccines, vaccinations
vet: veterinarian, veterinary
w/: with
w/o: without
w: with
wed: wednesday
weim: weimaraner
westie: west highland terrier
wk: week
wks: weeks
wt: weight
y/o: year old, years old
yo: year old, years old
yorkie: yorkshire terrier
yr: year, years
yrs: years, year
AK: alaska
AL: alabama
AR: arkansas
AZ: arizona
CA: california
CO: colorado
CT: connecticut
DC: washington
DE: delaware
F: female
FL: florida
GA: georgia
HI: hawaii
IA: iowa
ID: idaho
IL: illinois
IN: indiana
KS: kansas
KY: kentucky
L: left
LA: louisiana
M: male
MA: massachusetts
MD: maryland
ME: maine
MI: michigan
MN: minnesota
MO: missouri
MS: mississippi
MT: montana
N: north
NC: north carolina
ND: north dakota
NE: northeast
NH: new hampshire
NJ: new jersey
NM: new mexico
NV: nevada
NY: new york
NYC: new york city
OH: ohio
OK: oklahoma
OR: oregon
PA: pennsylvania
R: right
RI: rhode island
SC: south carolina
SD: south dakota
TN: tennessee
TX: texas
US: united states
USA: united states
UT: utah
VA: virginia
VT: vermont
WA: washington
WI: wisconsin
WV: west virginia
WY: wyoming
"""
ABBREVIATIONS: Mapping[str, tuple[str, ...]] = {
    short: tuple(long.split(", "))
    for line in _FORMS.strip().splitlines()
    for short, long in (line.split(": "),)
}
