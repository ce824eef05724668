using QkvMigrate.Pickling.Policy;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Pickling.Policy;

/// <summary>Every name that Python's library, PyTorch and NumPy have on this machine, and every object that honest checkpoints hold.</summary>
public sealed class KnownGlobalsTests
{
    /// <summary>All that can be called, is no class, and passes, besides activations of layers: it makes a value of its arguments.</summary>
    private static readonly HashSet<string> Constructors =
    [
        "_codecs.encode", "array._array_reconstructor", "copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__",
        "logging.getLogger", "re._compile",
        "numpy.core.multiarray._reconstruct", "numpy.core.multiarray.scalar", "numpy.core.numeric._frombuffer", "numpy.ma.core._mareconstruct",
        "numpy.random._pickle.__randomstate_ctor", "numpy.random._pickle.__generator_ctor", "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
        "torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2",
        "torch._utils._rebuild_device_tensor_from_numpy", "torch._utils._rebuild_meta_tensor_no_storage", "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_qtensor", "torch._utils._rebuild_sparse_csr_tensor", "torch._utils._rebuild_sparse_tensor",
        "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_wrapper_subclass", "torch._utils._rebuild_xla_tensor",
        "torch.cuda.amp.grad_scaler._refresh_per_optimizer_state", "torch.serialization._get_layout",
        "torch.utils.data._utils.collate.default_collate", "torch.utils.data._utils.collate.default_convert",
    ];

    private static readonly HashSet<string> Activations =
    [
        "relu", "relu6", "gelu", "silu", "mish", "elu", "selu", "celu", "leaky_relu", "tanh", "sigmoid", "logsigmoid", "log_sigmoid", "softplus",
        "softsign", "softmax", "log_softmax", "hardswish", "hardtanh", "hardsigmoid", "glu",
    ];

    /// <summary>Modules that have classes which pass, besides PyTorch's of layers, optimizers and their parts.</summary>
    private static readonly HashSet<string> HomesOfData =
    [
        "_decimal", "_io", "_pydecimal", "_random", "argparse", "array", "builtins", "collections", "datetime", "decimal", "fractions",
        "http", "io", "ipaddress", "optparse", "pathlib", "random", "re", "signal", "time", "types", "uuid",
        "numpy", "numpy.core.records", "numpy.ma.core", "numpy.matrixlib.defmatrix", "numpy.random._generator", "numpy.random._mt19937",
        "numpy.random._pcg64", "numpy.random._philox", "numpy.random._sfc64", "numpy.random.bit_generator", "numpy.random.mtrand",
        "torch", "torch._C", "torch.cuda", "torch.sparse", "torch.storage", "torch.torch_version", "torch.cuda.amp.grad_scaler",
        "torch.distributed._shard.metadata", "torch.distributed._shard.sharding_spec._internals", "torch.distributed.remote_device",
        "torch.nn.parameter", "torch.nn.utils.rnn", "torch.nn.utils.spectral_norm", "torch.nn.utils.weight_norm",
        "torch.quantization.qconfig", "torch.ao.quantization.qconfig", "torch.utils.data.dataset", "torch.utils.hooks",
    ];

    private static readonly string[] HomesOfLayers = ["torch.nn.modules.", "torch.nn.intrinsic.", "torch.nn.quantized.", "torch.nn.qat.", "torch.ao.nn.", "torch.optim."];

    [Fact]
    public void Only_what_is_listed_passes_of_Pythons_library_PyTorch_and_NumPy()
    {
        var globals = Python.PrintedLines(PyTorch.Run("malicious/known_globals.py")).Select(line => line.Split('\t')).ToList();

        Assert.InRange(globals.Count, 100_000, 2_000_000);
        Assert.All(["torch\tload", "torch\tFloatStorage.from_file", "torch\tclasses", "torch._C\timport_ir_module", "os\tsystem", "numpy\tmemmap"], known =>
            Assert.Contains(globals, global => $"{global[0]}\t{global[1]}" == known), throwIfEmpty: true);
        var wrong = globals.Where(global => !IsRight(global[0], global[1], global[2])).Select(global => string.Join(' ', global));
        Assert.Empty(wrong);
    }

    [Fact]
    public void What_PyTorch_writes_for_honest_objects_is_safe()
    {
        var written = Python.PrintedLines(PyTorch.Run("harmless_objects.py")).Select(line => line.Split('\t')).ToList();

        Assert.InRange(written.Count, 150, 1000);
        // A pickle of numbers and strings alone names nothing.
        Assert.All(written, pickle =>
            Assert.All(PicklePolicy.ExamineBytes(Convert.FromHexString(pickle[2]), pickle[0]), use => Assert.True(use.Safety == GlobalSafety.Safe, use.ToString()), throwIfEmpty: false), throwIfEmpty: true);
    }

    private static bool IsRight(string module, string name, string kind) =>
        GlobalRules.Judge(module, name) switch
        {
            (GlobalSafety.Dangerous, var why) => !string.IsNullOrEmpty(why),
            (GlobalSafety.Safe, _) => MayPass(module, name, kind),
            _ => false,
        };

    private static bool MayPass(string module, string name, string kind) => kind switch
    {
        _ when name.Contains('.', StringComparison.Ordinal) => false,
        "function" => module is "torch.nn.functional" or "torch._C._nn" ? Activations.Contains(name) : Constructors.Contains($"{module}.{name}"),
        "class" => HomesOfData.Contains(module) || Array.Exists(HomesOfLayers, home => module.StartsWith(home, StringComparison.Ordinal)),
        "exception" => module == "builtins",
        _ => kind is "layer" or "optimizer" or "schedule" or "sampler" or "hint" or "data",
    };
}
