"""The numbers of the advisory locks that are taken in PostgreSQL, each for one purpose.

A database's users share them, so that they must differ from each other, and from what an
application beside us takes. A lane's place in a batch is a pair whose first number comes from the
batch (`enrichment.engine.db_sessions.lock_key`).
"""

# One number of 64 bits.
PREPARING = 0x6E6F6465_70726570  # replicas that start together take turns
SEEDING = 0x6E6F6465_73656564  # seeds that run at once take turns
NODES_SYNC = 0x6E6F6465_73796E63  # replicas that start together take turns
PARTITIONS = 0x6C6C6D5F70617274  # making and dropping months: replicas start while beat runs
ROLLUPS = 0x6C6C6D5F726F6C6C  # two that replaced the same hour at once would store it twice
PATTERN_MINING = 0x6C6C6D5F7061
AUTOMATIC_BATCHES = 0x6E6F6465  # two timers must not start the same batch
SUBMISSIONS = 0x6E6F6466  # one process at a time looks after provider batches
RUN_SUBMISSIONS = 0x6E6F6467  # the same for those of an evaluation's runs

# The first of two numbers of 32 bits; the second is a hash.
BATCH_CREATION = 0x6E6F6465
