"""Short forms in listings and what they stand for; in capitals where only those count."""

from collections.abc import Mapping

_FORMS = """
acd: australian cattle dog
add'l: additional
am staff: american staffordshire terrier
am staffs: american staffordshire terriers
amer: american
amstaff: american staffordshire terrier
anatolian: anatolian shepherd
apbt: american pit bull terrier
app: application
approx: approximately, about, around
apps: applications
appt: appointment
appx: approximately, about
apt: apartment
apts: apartments
aussie: australian shepherd
aussies: australian shepherds
aust: australian
avail: available
ave: avenue
avg: average
b/c: because
basset: basset hound
bc: border collie
bc of: because of
bday: birthday
beg: beginning
berner: bernese mountain dog
bluetick: bluetick coonhound
blvd: boulevard
bmc: black mouth cur
bord: bordetella
boston: boston terrier
bostons: boston terriers
cairn: cairn terrier
catahoula: catahoula leopard dog
cavalier: cavalier king charles spaniel
chi: chihuahua
chipped: microchipped
chis: chihuahuas
chiweenie: chihuahua dachshund
ckcs: cavalier king charles spaniel
cocker: cocker spaniel
da2pp: distemper, vaccination
dachsie: dachshund
dane: great dane
dapp: distemper, vaccination
dappv: distemper, vaccination
dept: department
dhpp: distemper, vaccination
dob: date of birth, born
dobe: doberman
dobi: doberman
dobie: doberman
doxie: dachshund
dr: doctor, drive
dsh: domestic shorthair
e-mail: email
esp: especially
eval: evaluation
ext: extension
f/s: female spayed, spayed female
fam: family
fb: facebook
fem: female
fixed: spayed, neutered
frenchie: french bulldog
fri: friday
fs: female spayed, spayed female
ft: feet, fort, foot
fur baby: dog
furever: forever
golden: golden retriever
gsd: german shepherd, german shepherd dog
gsds: german shepherds
gsp: german shorthaired pointer
gwp: german wirehaired pointer
heeler: australian cattle dog
hr: hour
hrs: hours
hw: heartworm
hw+: heartworm positive
hw-: heartworm negative
hwy: highway
incl: includes, including, included
info: information
intl: international
jack: jack russell, jack russell terrier
jrt: jack russell terrier, jack russell
lab: labrador, labrador retriever
labs: labradors, labrador retrievers
lb: pound, pounds
lbs: pounds
lhasa: lhasa apso
luv: love
luvs: loves
m/n: male neutered, neutered male
mal: malinois, malamute
med: medium
meds: medication, medications
min: minutes, minimum
min pin: miniature pinscher
mini: miniature
mins: minutes
mn: male neutered, neutered male
mo: month, months
mon: monday
mos: months
mt: mount, mountain
mtn: mountain
n.e: northeast
neb: nebraska
neg: negative
neut: neutered
newf: newfoundland
newfie: newfoundland
oz: ounces, ounce
peke: pekingese
pic: picture, photo
pics: pictures, photos
pin: pinscher
pit: pit bull, pitbull
pittie: pit bull
pitty: pit bull
pkwy: parkway
pls: please
plz: please
pom: pomeranian
poo: poodle
pos: positive
ppl: people
pref: preferred
prob: probably
pup: puppy
pups: puppies
pyr: great pyrenees, pyrenees
pyrs: great pyrenees
rd: road
ref: reference
refs: references
req: required, requires
rhodesian: rhodesian ridgeback
rott: rottweiler
rotti: rottweiler
rottie: rottweiler
sat: saturday
sharpei: shar pei
sheltie: shetland sheepdog
shep: shepherd, german shepherd
sheps: shepherds, german shepherds
shih-tzu: shih tzu
shitzu: shih tzu
spay: spayed
springer: springer spaniel
sr: senior
st: saint, street
staff: staffordshire
staffie: staffordshire bull terrier
staffy: staffordshire, staffordshire bull terrier, staffordshire terrier
std: standard
ste: suite, sainte
sun: sunday
tech: technician
temp: temporary
tho: though
thru: through
thu: thursday
thur: thursday
thurs: thursday
tlc: tender loving care
tri: tricolor
tue: tuesday
tues: tuesday
txt: text
utd: up to date
vacc: vaccinated, vaccinations
vacc'd: vaccinated
vaccs: vaccines, vaccinations
vacs: vaccinations, vaccines
vax: vaccinated, vaccines, vaccinations
vaxed: vaccinated
vaxes: vaccines, vaccinations
vet: veterinarian, veterinary
vid: video
vids: videos
vol: volunteer
w: with
w/: with
w/o: without
walker: treeing walker coonhound
wed: wednesday
weim: weimaraner
westie: west highland terrier
wheaten: wheaten terrier
wk: week
wks: weeks
wt: weight
x: mix, cross
xmas: christmas
y/o: year old, years old
yo: year old, years old
yorkie: yorkshire terrier
yorkies: yorkshire terriers
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
B/W: black and white
PB: pit bull
SE: southeast
SW: southwest
NW: northwest
PR: puerto rico
UK: united kingdom
Ala: alabama
Ariz: arizona
Ark: arkansas
Calif: california
Colo: colorado
Conn: connecticut
Fla: florida
Ga: georgia
Ind: indiana
Kan: kansas
Ky: kentucky
La: louisiana
Mass: massachusetts
Md: maryland
Mich: michigan
Minn: minnesota
Miss: mississippi
Mo: missouri
Mont: montana
Neb: nebraska
Nev: nevada
Okla: oklahoma
Ore: oregon
Pa: pennsylvania
Penn: pennsylvania
Penna: pennsylvania
Tenn: tennessee
Tex: texas
Va: virginia
Vt: vermont
Wash: washington
Wis: wisconsin
Wisc: wisconsin
Wyo: wyoming
, w va: west virginia
, w. va: west virginia
, n car: north carolina
, n. car: north carolina
, s car: south carolina
, s. car: south carolina
"""
ABBREVIATIONS: Mapping[str, tuple[str, ...]] = {
    short: tuple(long.split(", "))
    for line in _FORMS.strip().splitlines()
    for short, long in (line.split(": "),)
}
