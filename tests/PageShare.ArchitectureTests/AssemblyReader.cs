using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace PageShare.ArchitectureTests;

/// <summary>Reads <see cref="AssemblyFacts"/> from an assembly's file, without loading it.</summary>
internal sealed class AssemblyReader
{
    private readonly PEReader _file;
    private readonly MetadataReader _metadata;
    private readonly NamedTypes _named;
    private readonly HashSet<TypeUse> _uses = [];
    private readonly HashSet<OutsideCall> _calls = [];
    private readonly HashSet<NativeImport> _imports = [];

    // The outermost type that is being read: closures, state machines and nested types count as their owner.
    private (string Namespace, string Name) _from;

    private AssemblyReader(PEReader file)
    {
        _file = file;
        _metadata = file.GetMetadataReader();
        _named = new NamedTypes(AddUse);
    }

    public static AssemblyFacts Read(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var reader = new AssemblyReader(file);
        foreach (var handle in reader._metadata.TypeDefinitions)
        {
            reader.ReadType(handle);
        }

        return new AssemblyFacts(reader._uses, reader._calls, reader._imports);
    }

    /// <summary>Names of the assemblies that one refers to.</summary>
    public static IReadOnlyList<string> ReadReferences(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(
            handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }

    private void ReadType(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        _from = OutermostOf(handle);
        AddType(type.BaseType);
        foreach (var implementation in type.GetInterfaceImplementations())
        {
            AddType(_metadata.GetInterfaceImplementation(implementation).Interface);
        }

        AddConstraints(type.GetGenericParameters());
        foreach (var field in type.GetFields())
        {
            _metadata.GetFieldDefinition(field).DecodeSignature(_named, null);
        }

        foreach (var method in type.GetMethods())
        {
            ReadMethod(_metadata.GetMethodDefinition(method));
        }
    }

    private void ReadMethod(MethodDefinition method)
    {
        method.DecodeSignature(_named, null);
        AddConstraints(method.GetGenericParameters());
        if (method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
        {
            _imports.Add(new NativeImport(_from.Namespace, _from.Name, _metadata.GetString(method.GetImport().Name)));
        }

        if (method.RelativeVirtualAddress == 0)
        {
            return;
        }

        var body = _file.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
        {
            _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_named, null);
        }

        foreach (var region in body.ExceptionRegions)
        {
            AddType(region.CatchType);
        }

        foreach (var token in InstructionTokens.In(body.GetILReader()))
        {
            AddToken(token);
        }
    }

    private void AddToken(EntityHandle token)
    {
        switch (token.Kind)
        {
            case HandleKind.TypeDefinition or HandleKind.TypeReference or HandleKind.TypeSpecification:
                AddType(token);
                break;
            case HandleKind.MethodDefinition:
                AddUse(_metadata.GetMethodDefinition((MethodDefinitionHandle)token).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                AddUse(_metadata.GetFieldDefinition((FieldDefinitionHandle)token).GetDeclaringType());
                break;
            case HandleKind.MethodSpecification:
                var generic = _metadata.GetMethodSpecification((MethodSpecificationHandle)token);
                generic.DecodeSignature(_named, null);
                AddToken(generic.Method);
                break;
            case HandleKind.MemberReference:
                AddMember(_metadata.GetMemberReference((MemberReferenceHandle)token));
                break;
        }
    }

    private void AddMember(MemberReference member)
    {
        AddType(member.Parent);
        if (member.GetKind() == MemberReferenceKind.Method)
        {
            member.DecodeMethodSignature(_named, null);
        }
        else
        {
            member.DecodeFieldSignature(_named, null);
        }

        if (member.Parent.Kind == HandleKind.TypeReference)
        {
            var type = _metadata.GetTypeReference((TypeReferenceHandle)member.Parent);
            var name = $"{_metadata.GetString(type.Namespace)}.{_metadata.GetString(type.Name)}";
            _calls.Add(new OutsideCall(_from.Namespace, _from.Name, name, _metadata.GetString(member.Name)));
        }
    }

    private void AddConstraints(GenericParameterHandleCollection parameters)
    {
        foreach (var constraint in parameters.SelectMany(p => _metadata.GetGenericParameter(p).GetConstraints()))
        {
            AddType(_metadata.GetGenericParameterConstraint(constraint).Type);
        }
    }

    private void AddType(EntityHandle handle)
    {
        if (handle.IsNil)
        {
            return;
        }

        if (handle.Kind == HandleKind.TypeDefinition)
        {
            AddUse((TypeDefinitionHandle)handle);
        }
        else if (handle.Kind == HandleKind.TypeSpecification)
        {
            _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_named, null);
        }
    }

    private void AddUse(TypeDefinitionHandle used)
    {
        var to = OutermostOf(used);
        if (to != _from)
        {
            _uses.Add(new TypeUse(_from.Namespace, _from.Name, to.Namespace, to.Name));
        }
    }

    private (string Namespace, string Name) OutermostOf(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil)
        {
            type = _metadata.GetTypeDefinition(type.GetDeclaringType());
        }

        var @namespace = _metadata.GetString(type.Namespace);
        return (@namespace, $"{@namespace}.{_metadata.GetString(type.Name)}");
    }

    /// <summary>Reports each type of this assembly that a signature names; the decoded result is of no use.</summary>
    private sealed class NamedTypes(Action<TypeDefinitionHandle> report) : ISignatureTypeProvider<int, object?>
    {
        public int GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            report(handle);
            return 0;
        }

        public int GetTypeFromSpecification(
            MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public int GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => 0;

        public int GetArrayType(int elementType, ArrayShape shape) => 0;

        public int GetByReferenceType(int elementType) => 0;

        public int GetFunctionPointerType(MethodSignature<int> signature) => 0;

        public int GetGenericInstantiation(int genericType, ImmutableArray<int> typeArguments) => 0;

        public int GetGenericMethodParameter(object? genericContext, int index) => 0;

        public int GetGenericTypeParameter(object? genericContext, int index) => 0;

        public int GetModifiedType(int modifier, int unmodifiedType, bool isRequired) => 0;

        public int GetPinnedType(int elementType) => 0;

        public int GetPointerType(int elementType) => 0;

        public int GetPrimitiveType(PrimitiveTypeCode typeCode) => 0;

        public int GetSZArrayType(int elementType) => 0;
    }
}
