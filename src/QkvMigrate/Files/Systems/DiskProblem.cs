namespace QkvMigrate.Files.Systems;

/// <summary>What keeps a system from writing a file, where it is one of those that users meet.</summary>
internal enum DiskProblem
{
    /// <summary>Something else, which the system says in its own words.</summary>
    Other,

    /// <summary>The disk fails.</summary>
    InputOutput,

    /// <summary>The user may not.</summary>
    AccessDenied,

    /// <summary>The process or the filesystem has no files of this size.</summary>
    FileTooLarge,

    /// <summary>The disk is full.</summary>
    NoSpace,

    /// <summary>The filesystem is read-only.</summary>
    ReadOnly,

    /// <summary>The user's quota is used up.</summary>
    Quota,
}
