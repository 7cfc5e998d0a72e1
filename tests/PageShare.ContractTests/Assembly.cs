// Gates, injections, page-frame numbers and counts of mappings belong to the whole process: one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
