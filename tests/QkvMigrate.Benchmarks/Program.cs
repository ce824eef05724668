using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using QkvMigrate.Benchmarks;

// dotnet run -c Release --project tests/QkvMigrate.Benchmarks -- --filter '*'
// In this process: the project that BenchmarkDotNet would generate knows nothing of the mended libLibTorchSharp.so.
var config = DefaultConfig.Instance
    .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance))
    .AddColumn(new ThroughputColumn());
BenchmarkSwitcher.FromAssembly(typeof(GatherBenchmark).Assembly).Run(args, config);
