using QkvMigrate.Pickling.Policy;
using Xunit;

namespace QkvMigrate.Tests.Pickling.Policy;

/// <summary>What is known of globals by their names.</summary>
public sealed class GlobalRulesTests
{
    [Theory]
    [InlineData("torch._utils", "_rebuild_tensor_v2")]
    [InlineData("torch._utils", "_rebuild_parameter")]
    [InlineData("torch", "HalfStorage")]
    [InlineData("torch", "bfloat16")]
    [InlineData("collections", "OrderedDict")]
    [InlineData("numpy.core.multiarray", "_reconstruct")]
    [InlineData("builtins", "set")]
    [InlineData("builtins", "ValueError")]
    [InlineData("pathlib", "PosixPath")]
    [InlineData("_codecs", "encode")]
    [InlineData("torch._utils", "_rebuild_xla_tensor")]
    [InlineData("torch._tensor", "_rebuild_from_type_v2")]
    [InlineData("torch", "uint4")]
    [InlineData("torch.optim.adamw", "AdamW")]
    [InlineData("torch.optim.lr_scheduler", "CosineAnnealingLR")]
    [InlineData("torch.nn.modules.linear", "Linear")]
    [InlineData("torch.distributed._shard.sharded_tensor.api", "ShardedTensor")]
    [InlineData("torch.distributed.checkpoint.metadata", "TensorStorageMetadata")]
    [InlineData("numpy.random._pickle", "__generator_ctor")]
    [InlineData("litgpt.args", "TrainArgs")]
    [InlineData("litgpt.config", "Config")]
    [InlineData("lightning.fabric.utilities.data", "AttributeDict")]
    [InlineData("argparse", "Namespace")]
    [InlineData("datetime", "timedelta")]
    [InlineData("transformers.training_args", "TrainingArguments")]
    [InlineData("transformers.models.llama.configuration_llama", "LlamaConfig")]
    public void Tensors_and_plain_data_are_safe(string module, string name) =>
        Assert.Equal(GlobalSafety.Safe, GlobalRules.Judge(module, name).Safety);

    [Theory]
    [InlineData("os", "system")]
    [InlineData("os.path", "join")]
    [InlineData("posix", "execv")]
    [InlineData("builtins", "getattr")]
    [InlineData("__builtin__", "apply")]
    [InlineData("_codecs", "decode")]
    [InlineData("torch", "load")]
    [InlineData("torch.hub", "load")]
    [InlineData("torch.serialization", "load")]
    [InlineData("torch.storage", "_load_from_bytes")]
    [InlineData("pathlib", "PosixPath.write_text")]
    [InlineData("torch", "serialization.os.system")]
    [InlineData("torch", "_utils.sys.modules")]
    [InlineData("random", "_os.system")]
    [InlineData("mycode", "helpers.subprocess.run")]
    [InlineData("mycode", "Model.__init__.__globals__")]
    [InlineData("mycode", "a.b.c.d.e.f.g.h.i.j.k.l.m")]
    [InlineData("mycode", "os.system")]
    [InlineData("mycode", "_pickle.loads")]
    [InlineData("mycode", "__builtins__")]
    [InlineData("mycode", "shlex.os")]
    [InlineData("__main__", "__loader__")]
    [InlineData("collections", "OrderedDict.fromkeys")]
    [InlineData("collections", "OrderedDict.__init__.__globals__")]
    [InlineData("torch.classes", "load_library")]
    [InlineData("torch", "classes.load_library")]
    [InlineData("torch._C", "import_ir_module")]
    [InlineData("torch", "FloatStorage.from_file")]
    [InlineData("torch.FloatStorage", "from_file")]
    [InlineData("torch", "UntypedStorage._new_shared_filename_cpu")]
    [InlineData("torch", "Tensor.share_memory_")]
    [InlineData("torch", "einsum")]
    [InlineData("torch", "float_power")]
    [InlineData("torch", "")]
    [InlineData("torch.nn.modules.activation", "F")]
    [InlineData("torch.ao.quantization.observer", "ABCMeta")]
    [InlineData("torch.ops.aten", "add")]
    [InlineData("torch.utils.cpp_extension", "load_inline")]
    [InlineData("numpy", "interp")]
    [InlineData("numpy.core", "_ufunc_reconstruct")]
    [InlineData("numpy.testing", "runstring")]
    [InlineData("statistics", "mean")]
    [InlineData("_statistics", "_normal_dist_inv_cdf")]
    [InlineData("enum", "EnumMeta")]
    [InlineData("functools", "partial")]
    [InlineData("Queue", "Queue")]
    [InlineData("jsonargparse.util", "import_object")]
    [InlineData("lightning.pytorch.cli", "LightningCLI")]
    [InlineData("litgpt.scripts.download", "download_from_hub")]
    public void What_can_run_code_is_dangerous(string module, string name)
    {
        var (safety, why) = GlobalRules.Judge(module, name);
        Assert.Equal(GlobalSafety.Dangerous, safety);
        Assert.False(string.IsNullOrEmpty(why));
    }

    [Theory]
    [InlineData("mycode", "Model")]
    [InlineData("mycode", "Model.Options")]
    [InlineData("mycode", "Queue.Item")]
    [InlineData("mycode", "__pyx_unpickle_Model")]
    [InlineData("mycode.os", "Model")]
    [InlineData("__main__", "Model")]
    [InlineData("osmosis", "system")]
    [InlineData("torchmetrics", "Metric")]
    [InlineData("Torch", "Tensor")]
    [InlineData("", "")]
    public void The_rest_is_unknown(string module, string name) =>
        Assert.Equal((GlobalSafety.Unknown, null), GlobalRules.Judge(module, name));
}
