// Every test starts a whole system on two cores: one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
