// Each test keeps several threads busy by itself: side by side they would only take from each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
