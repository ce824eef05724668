using Mono.Cecil;

namespace QkvMigrate.Tests.Architecture;

/// <summary>
/// Whose code may run on behalf of the verifier, found in the compiled library: from each method of its folder on, all methods that are
/// called or handed on, all that override them or implement them, and what sets their types up.
/// </summary>
internal static class VerifierReach
{
    private const string Verifier = "QkvMigrate.Verification";

    /// <summary>The names of the types outside of the verifier's own folder, without those that the compiler makes.</summary>
    public static IReadOnlyList<string> Types(string assembly)
    {
        using var module = ModuleDefinition.ReadModule(assembly);
        var overriders = Overriders(module);
        var reached = new HashSet<MethodDefinition>();
        var pending = new Stack<MethodDefinition>(module.GetTypes().Where(type => IsIn(type, Verifier)).SelectMany(type => type.Methods));
        while (pending.TryPop(out var method))
        {
            if (!reached.Add(method))
            {
                continue;
            }

            foreach (var next in Called(method)
                .Concat(overriders[method])
                .Concat(method.DeclaringType.Methods.Where(other => other is { IsConstructor: true, IsStatic: true })))
            {
                pending.Push(next);
            }
        }

        return [.. reached.Select(method => Named(method.DeclaringType)).Distinct().Where(type => !IsIn(type, Verifier)).Select(type => type.FullName).Where(name => !name.Contains('<', StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    private static IEnumerable<MethodDefinition> Called(MethodDefinition method) =>
        method.HasBody ? method.Body.Instructions.Select(step => step.Operand).OfType<MethodReference>().Select(Within).OfType<MethodDefinition>() : [];

    private static MethodDefinition? Within(MethodReference method) =>
        method.DeclaringType.Scope is ModuleDefinition || method.DeclaringType.GetElementType().Scope is ModuleDefinition ? method.Resolve() : null;

    /// <summary>The methods of the library that may run where another one is called.</summary>
    private static ILookup<MethodDefinition, MethodDefinition> Overriders(ModuleDefinition module) => (
        from type in module.GetTypes()
        from method in type.Methods
        where method.IsVirtual
        from ancestor in Ancestors(type)
        from overridden in ancestor.Methods
        where overridden.IsVirtual && overridden.Parameters.Count == method.Parameters.Count && (method.Name == overridden.Name || method.Name.EndsWith($".{overridden.Name}", StringComparison.Ordinal))
        select (overridden, method)).ToLookup(pair => pair.overridden, pair => pair.method);

    private static IEnumerable<TypeDefinition> Ancestors(TypeDefinition type)
    {
        var direct = type.Interfaces.Select(one => one.InterfaceType).Append(type.BaseType).OfType<TypeReference>()
            .Where(one => one.GetElementType().Scope is ModuleDefinition)
            .Select(one => one.Resolve());
        return direct.SelectMany(one => Ancestors(one).Prepend(one));
    }

    private static TypeDefinition Named(TypeDefinition type)
    {
        while (type.DeclaringType is not null)
        {
            type = type.DeclaringType;
        }

        return type;
    }

    private static bool IsIn(TypeDefinition type, string folder) =>
        Named(type).Namespace is var space && (space == folder || space.StartsWith($"{folder}.", StringComparison.Ordinal));
}
