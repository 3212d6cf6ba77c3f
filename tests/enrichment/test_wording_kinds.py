"""Kinds of changes that a rewritten sentence may have, and kinds that it may not, a line each."""

import pytest

from tests.enrichment.test_wording import codes

HELD = [
    # Who pays, who it is, where from and where to.
    ("We pay for all vet care.", "You pay for all vet care."),
    ("The bills are paid by us.", "The bills are paid by you."),
    ("Spaying is the owner's responsibility.", "Spaying is the rescue's responsibility."),
    ("Transport is at our expense.", "Transport is at your expense."),
    ("You keep him until transport.", "We keep him until transport."),
    ("The spay is on us.", "The spay is on you."),
    ("His sister has been adopted.", "He has been adopted."),
    ("He came from Ohio and is in Utah.", "He came from Utah and is in Ohio."),
    # Which beings are meant.
    ("He needs another low-key dog.", "He needs another dog."),
    ("He does well with gentle, older kids.", "He does well with kids."),
    ("She should have no children.", "She should have no small children."),
    ("He is blind in his left eye.", "He is blind."),
    ("He does best with dogs his own size.", "He does best with dogs."),
    ("He likes dogs he knows.", "He likes dogs."),
    ("She is afraid of men in hats.", "She is afraid of men."),
    ("She is good with cats who ignore her.", "She is good with cats."),
    ("He lives with two cats.", "He lives with two kittens."),
    ("He needs an experienced owner.", "He needs an owner."),
    # How far something has come.
    ("We will retest her.", "We retested her."),
    ("He is working on house training.", "He is done with house training."),
    ("She is doing well with house training.", "She is house trained."),
    ("He can be reactive on a leash.", "He is reactive on a leash."),
    ("His eye was removed.", "His eye may be removed."),
    ("She needs a friend and must have a fence.", "She needs a friend and would like a fence."),
    ("He finished treatment in May.", "He will finish treatment in May."),
    ("She arrives next week.", "She arrives this week."),
    ("He is ready in late May.", "He is ready in early May."),
    # What is listed, and what else may not go.
    ("She may go to Texas and New England.", "She may go to Texas."),
    ("He fears thunder, vacuums and bikes.", "He fears thunder and vacuums."),
    ("It covers her shots, spay and airline transport.", "It covers her shots and spay."),
    ("A sweet boy, though he is paralyzed.", "A sweet boy."),
    ("A refundable deposit is due.", "A deposit is due."),
    ("He is fine with a slow introduction.", "He is fine slowly."),
    ("She needs at least one walk.", "She needs one walk."),
    ("He is a Lab mix.", "He is a Lab."),
    ("She is calmer than her sister.", "She is as calm as her sister."),
    ("He can be alone for up to 8 hours.", "He can be alone for 8 hours."),
    ("She weighs less than 20 lbs.", "She weighs 20 lbs."),
    ("I am on medication for epilepsy.", "I was on medication for epilepsy."),
    (
        "He hates carrots, cats and not being near a catch.",
        "He hates carrots and not being near a catch.",
    ),
    ("She needs a cat-free home.", "She needs a dog-free home."),
    ("He has yet to meet cats.", "He has met cats."),
    ("She was with other dogs without issues.", "She was with other dogs with issues."),
    ("Born May 3, 2021, he weighs 20 pounds.", "Born May 20, 2021, he weighs 3 pounds."),
    # For how long, and what he is from nowhere.
    ("He's deaf and sweet.", "He was deaf and sweet."),
    ("He will always need some pain pills.", "He will need some pain pills."),
    ("He takes pills for the rest of his life.", "He takes pills."),
    ("She needs a fenced yard.", "She needs a fenced yard for now."),
    ("He has been wormed and brushed.", "He has been neutered, wormed and brushed."),
    ("A young girl who walks well.", "A young, altered girl who walks well."),
    ("A young girl who walks well.", "A young, vaccinated girl who walks well."),
    ("A young girl who walks well.", "A young, house-trained girl who walks well."),
    ("A young girl who walks well.", "A young, microchipped girl who walks well."),
    # The sides of a comparison.
    (
        "He loves dogs and loves his humans even more.",
        "He loves his humans and loves dogs even more.",
    ),
    ("He likes cuddling more than playing.", "He likes playing more than cuddling."),
    ("He prefers walks rather than naps.", "He prefers naps rather than walks."),
    ("He is better outside than inside.", "He is better inside than outside."),
    ("He is bigger than his brother.", "His brother is bigger than he is."),
    ("Max is the larger of the two, Rex is shy.", "Rex is the larger of the two, Max is shy."),
    ("Born May 3 2021, spayed June 5 2021.", "Born June 5 2021, spayed May 3 2021."),
    ("There are two girls and three boys.", "There are three girls and two boys."),
    # Small words that say more, or less, of what stays.
    ("Fee: $350. Transport: $160.", "The fee is $350, which includes $160 for transport."),
    ("He may go to any approved home.", "He may go to any home."),
    ("He likes dogs and cats.", "He likes dogs and possibly cats."),
    ("He can be left for 8 hours.", "He can be left for more than 8 hours."),
    (
        "Dog pens, dog runs and a tie outs are not approved.",
        "Dog pens and tie outs are not approved, but dog runs are.",
    ),
    ("She came when her owner died.", "She came when her owner gave her up."),
    (
        "He was turned in by a woman that knew his owner who was moving.",
        "He was turned in by his owner, a woman who was moving.",
    ),
    ("He is on pills for 30 days.", "He has finished 30 days of pills."),
    ("He just loves children.", "He only loves children."),
    ("Cats are fine provided they are calm.", "Cats are fine."),
    ("WEIGHT: 10lbs ADOPTION FEE: $100 Rex is a pup.", "Rex is a pup who weighs 10 pounds."),
]


@pytest.mark.parametrize(("before", "after"), HELD)
def test_a_kind_of_change_that_misleads_is_held(before, after):
    assert codes(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # What is denied, in other words or another voice.
        ("He is not willing to share.", "He is unwilling to share."),
        ("He is unsure of strangers.", "He isn't sure of strangers."),
        ("She has yet to be tested with cats.", "She has not yet been tested with cats."),
        ("He has hardly any teeth.", "He has barely any teeth."),
        ("No matter how long it takes, we wait.", "However long it takes, we wait."),
        ("He refuses to walk in the rain.", "He will not walk in the rain."),
        ("He is heartworm free.", "He does not have heartworm."),
        ("We have no knowledge of her past.", "We do not know her past."),
        ("Her history is unknown.", "We do not know her history."),
        ("He wants the rules he has been lacking.", "He wants the rules that have been missing."),
        ("She was not found to have fleas.", "No fleas were found on her."),
        ("We do not ship dogs.", "Dogs are not shipped."),
        ("The loss of his leg will not hold Sonny back.", "Sonny will not be held back by it."),
        ("She did not keep Bella on it.", "Bella was not kept on it."),
        ("She needs a home without cats.", "She needs a cat-free home."),
        ("A kid free home would be best.", "A home without kids would be best."),
        ("He hasn't met any cats here yet.", "He has yet to meet any cats here."),
        (
            "Here she was with other dogs without issues.",
            "She was with other dogs here without issues.",
        ),
        # Agreement, dates, and numbers that took their units along.
        (
            "He would love to have a family that was active.",
            "He would love to have a family that is active.",
        ),
        (
            "Born on 21 March 2019, at rescue in June 2019 he weighed 16.00 pounds.",
            "Born on March 21, 2019, he weighed 16 pounds at rescue in June 2019.",
        ),
        ("He is 3 years old and weighs 50 lbs.", "He weighs 50 lbs and is 3 years old."),
        # For as long, of the same state, on the same side.
        ("He will need pills for the rest of his life.", "He will always need pills."),
        ("She must always be on a leash.", "She must be on a leash at all times."),
        ("Our dogs are fixed and have shots.", "Our dogs are altered and vaccinated."),
        ("He is potty trained and uses a kennel.", "He is housetrained and uses a crate."),
        ("He likes people more than dogs.", "More than dogs, he likes people."),
        ("He prefers men to women.", "He prefers men over women."),
        ("She's found as a stray.", "She was found as a stray."),
        # Other words for the same.
        ("She was originally a stray.", "She was initially a stray."),
        ("Mia (fka Lara) is a hound.", "Mia (formerly known as Lara) is a hound."),
        ("We anticipate that he grows.", "We expect that he grows."),
        ("He was discarded.", "He was thrown away."),
        ("He has adequate room.", "He has enough room."),
        ("He takes pills lifelong.", "He takes pills for the rest of his life."),
        ("Everybody has described him as sweet.", "Everybody describes him as sweet."),
        ("He does best if he has a yard.", "He does best with a yard."),
        ("He is only 5 months old.", "He is just five months old."),
        ("Homes with or without cats are fine.", "Homes with cats or without are fine."),
        ("Age: 3 yrs. Weight: 45 lbs.", "He is three years old and weighs 45 pounds."),
        ("His leg had been fractures.", "His leg had been fractured."),
        ("Kids have to be 10 or older.", "Kids must be at least 10."),
        ("It may take few days.", "It may take a few days."),
        ("He is 4 and half years old.", "He is 4 1/2 years old."),
        ("This is to insure that she is safe.", "This is to ensure that she is safe."),
        ("He will most likely be big.", "He will, in all likelihood, be big."),
        ("She is not afraid of storms.", "She has no fear of storms."),
        ("He is not used to stairs.", "He is unaccustomed to stairs."),
        ("We have no shelter, all dogs are at home.", "We have no shelter. All dogs are at home."),
        # What is typed, glued, labelled or punned.
        (
            "Come to Reno, NV 89501775-555-0100www.reno.example.com",
            "Come to Reno, NV 89501. Phone: (775) 555-0100. Website: www.reno.example.com",
        ),
        (
            "He likes other dogs he just doesn't share his food.",
            "He likes other dogs; he just doesn't share his food.",
        ),
        (
            "BREED: ChihuahuaWEIGHT: 10lbsADOPTION FEE:Precious is a piglet.",
            "Precious is a Chihuahua who weighs 10 pounds. She is a piglet.",
        ),
        ("He is sweet to boot.", "He is sweet as well."),
        ("She came from Huntington, W Va.", "She came from Huntington, West Virginia."),
        ("He came from Memphis, Tenn.", "He came from Memphis, Tennessee."),
        ("Our sole purpose is this.", "Our only purpose is this."),
        ("He just walks around the yard.", "He only walks around the yard."),
        ("I want a fur-ever family.", "I want a forever family."),
        ("He would be a pawsome fur-baby.", "He would be an awesome dog."),
        ("Xena's babies have homes.", "Xena's puppies have homes."),
        ("Pets must be provided flea drops.", "Pets must be given flea drops."),
        (
            "Once your form is completed by you and approved by MASR, we call.",
            "Once you complete your form and MASR approves it, we call.",
        ),
    ],
)
def test_a_kind_of_change_that_says_the_same_passes(before, after):
    assert not codes(before, after)
