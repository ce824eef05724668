namespace QkvMigrate.Files.Systems;

/// <summary>A filesystem.</summary>
/// <param name="Type">Its kind's name, such as <c>ext4</c>; <c>unknown</c> where the system does not say.</param>
/// <param name="FreeBytes">What this user may still write.</param>
/// <param name="TotalBytes">Its size.</param>
internal sealed record Volume(string Type, long FreeBytes, long TotalBytes);
