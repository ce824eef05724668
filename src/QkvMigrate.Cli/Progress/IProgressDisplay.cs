namespace QkvMigrate.Cli.Progress;

/// <summary>Shows how far a run is. The calls come from the threads that write.</summary>
internal interface IProgressDisplay : IDisposable
{
    /// <summary>A file is on its way.</summary>
    void Began(ProgressMeter meter, FileMeter file);

    /// <summary>A file is there, or was given up.</summary>
    void Ended(ProgressMeter meter, FileMeter file);
}
