using System.Reflection;
using System.Reflection.Emit;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Build;

/// <summary>
/// TorchSharp hands libtorch the address in a <see cref="Scalar"/> and keeps nothing of the object: a collection meanwhile
/// finalizes it, and libtorch reads freed memory. So no number becomes a scalar that nobody holds: neither in this project,
/// nor within a method of TorchSharp that it calls.
/// </summary>
public sealed class ScalarLifetimeTests
{
    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    [Fact]
    public void No_scalar_is_left_to_the_collector()
    {
        var known = new Dictionary<MethodBase, bool>();
        var calls = typeof(Scalars).Assembly.GetTypes()
            .Where(type => type != typeof(Scalars))
            .SelectMany(Methods)
            .SelectMany(method => Called(method).Where(called => called.Module == typeof(Scalar).Module).Select(called => (Caller: method, Called: called)))
            .ToList();
        Assert.NotEmpty(calls);
        Assert.True(MakesScalars(typeof(torch.Tensor).GetMethod("add", [typeof(torch.Tensor)])!, known), "the search finds what TorchSharp does");
        var left = calls.Where(call => MakesScalars(call.Called, known)).Select(call => $"{call.Caller.DeclaringType}.{call.Caller.Name}: {call.Called}").Distinct().Order(StringComparer.Ordinal);
        Assert.True(!left.Any(), string.Join("\n", left));
    }

    private static IEnumerable<MethodBase> Methods(Type type) => type.GetMethods(Everything).Concat<MethodBase>(type.GetConstructors(Everything));

    /// <summary>Whether a number becomes a scalar in the method or in what it calls within TorchSharp.</summary>
    private static bool MakesScalars(MethodBase method, Dictionary<MethodBase, bool> known)
    {
        if (known.TryGetValue(method, out var makes))
        {
            return makes;
        }

        // A circle of calls makes none that its other methods do not make.
        known[method] = false;
        return known[method] = IsConversion(method) || Called(method).Any(called => called.Module == typeof(Scalar).Module && MakesScalars(called, known));
    }

    private static bool IsConversion(MethodBase method) =>
        (method.DeclaringType == typeof(Scalar) && method.Name == "op_Implicit" && method is MethodInfo { ReturnType: var made } && made == typeof(Scalar))
        || (method.Name == "ToScalar" && method.IsStatic);

    /// <summary>The methods that a method calls, makes objects by, or takes the address of.</summary>
    private static IEnumerable<MethodBase> Called(MethodBase method)
    {
        var code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at < code.Length;)
        {
            var instruction = OpCodesByValue[code[at] == 0xfe ? unchecked((short)(0xfe00 | code[at + 1])) : code[at]];
            at += instruction.Size;
            if (instruction.OperandType == OperandType.InlineMethod)
            {
                yield return method.Module.ResolveMethod(BitConverter.ToInt32(code, at), method.DeclaringType?.GetGenericArguments(), method.IsGenericMethod ? method.GetGenericArguments() : null)!;
            }

            at += OperandSize(instruction.OperandType, code, at);
        }
    }

    private static int OperandSize(OperandType type, byte[] code, int at) => type switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
        _ => 4,
    };
}
