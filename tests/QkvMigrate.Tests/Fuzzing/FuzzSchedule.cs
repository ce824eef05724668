using Xunit;

namespace QkvMigrate.Tests.Fuzzing;

/// <summary>Fuzzing runs by itself: the memory of an input is what the whole process allocates meanwhile. xunit looks for this in the tests' own assembly.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FuzzSchedule
{
    public const string Name = "fuzzing";
}
