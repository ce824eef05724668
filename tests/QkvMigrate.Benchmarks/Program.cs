using BenchmarkDotNet.Running;

// dotnet run -c Release --project tests/QkvMigrate.Benchmarks -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(QkvMigrate.Benchmarks.GatherBenchmark).Assembly).Run(args);
