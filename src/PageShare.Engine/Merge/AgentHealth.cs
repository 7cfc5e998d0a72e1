namespace PageShare.Merge;

/// <summary>What a guest's agent says of its process. It may lie, to that process's harm alone.</summary>
/// <param name="HandlerIsInstalled">Whether faults on its pages still reach the shim.</param>
/// <param name="MappingLimit">Most mappings that the process may have; 0: unknown.</param>
/// <param name="MappingsUsed">Mappings that it has.</param>
internal readonly record struct AgentHealth(bool HandlerIsInstalled, long MappingLimit, long MappingsUsed);
