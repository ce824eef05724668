namespace QkvMigrate.Verification;

/// <summary>Bytes that move together, counted from the start of their storage.</summary>
/// <param name="Target">Where they stand in the second file.</param>
/// <param name="Source">Where they stand in the first file.</param>
/// <param name="Length">How many they are.</param>
internal readonly record struct MovedRun(long Target, long Source, long Length);
