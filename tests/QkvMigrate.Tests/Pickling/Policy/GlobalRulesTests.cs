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
    public void TensorsAndPlainDataAreSafe(string module, string name) =>
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
    [InlineData("collections", "OrderedDict.fromkeys")]
    public void WhatCanRunCodeIsDangerous(string module, string name)
    {
        var (safety, why) = GlobalRules.Judge(module, name);
        Assert.Equal(GlobalSafety.Dangerous, safety);
        Assert.False(string.IsNullOrEmpty(why));
    }

    [Theory]
    [InlineData("mycode", "Model")]
    [InlineData("mycode", "Model.Options")]
    [InlineData("osmosis", "system")]
    [InlineData("torchmetrics", "Metric")]
    [InlineData("torch.optim.adamw", "AdamW")]
    [InlineData("litgpt.args", "TrainArgs")]
    [InlineData("", "")]
    [InlineData("torch", "")]
    public void TheRestIsUnknown(string module, string name) =>
        Assert.Equal((GlobalSafety.Unknown, null), GlobalRules.Judge(module, name));
}
