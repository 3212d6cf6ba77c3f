"""English words of a dog's health and of behaviour that an adopter has to know, in lower case."""

# None of these may go from a listing, or come to it, in any form.
CONDITIONS = frozenset(
    """
    paralyzed paralysis amputated amputation amputee tripod blind blindness deaf deafness
    arthritis arthritic dysplasia murmur tumor tumors cancer lump seizure seizures epilepsy
    epileptic diabetic diabetes thyroid kidney liver incontinent incontinence allergy allergies
    allergic mange demodex ringworm parvo parvovirus distemper heartworm heartworms giardia
    coccidia hookworm hookworms tapeworm tapeworms pneumonia infection infections infected
    fracture fractures fractured limp limps limping lame luxating patella acl ccl tplo ivdd
    hernia cataract cataracts glaucoma entropion anemia ehrlichia lyme anaplasmosis pancreatitis
    megaesophagus stroke vestibular dementia obese overweight underweight malnourished injury
    injuries surgery surgeries medication medications medicine insulin wheelchair pregnant
    contagious reactive reactivity aggressive aggression biting muzzle muzzled destructive
    separation prey escapes escape guarding guards guarded resource anxiety phobia territorial
    possessive growl growls growled growling snap snaps snapped snapping nip nips nipped nipping
    bite bites bitten biter lunge lunges lunging chase chases chasing mouthy marking selective
    prescription crate crates crated leash leashed harness
    """.split()
)
# Words that say the same of them, or nearly so.
SAID_SO = frozenset("illness ill sick disease condition conditions issue issues".split())
