using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace PageShare.ArchitectureTests;

/// <summary>Finds the metadata tokens among the operands of a method body's instructions (ECMA-335, III).</summary>
internal static class InstructionTokens
{
    private const byte TwoByteLead = 0xFE;

    private static readonly Dictionary<ushort, OperandType> Operands = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (ushort)code.Value, code => code.OperandType);

    public static List<EntityHandle> In(BlobReader code)
    {
        var tokens = new List<EntityHandle>();
        while (code.RemainingBytes > 0)
        {
            ushort instruction = code.ReadByte();
            if (instruction == TwoByteLead)
            {
                instruction = (ushort)((TwoByteLead << 8) | code.ReadByte());
            }

            ReadOperand(Operands[instruction], ref code, tokens);
        }

        return tokens;
    }

    private static void ReadOperand(OperandType operand, ref BlobReader code, List<EntityHandle> tokens)
    {
        switch (operand)
        {
            case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                tokens.Add(MetadataTokens.EntityHandle(code.ReadInt32()));
                break;
            case OperandType.InlineSwitch:
                var targets = code.ReadInt32();
                code.Offset += targets * sizeof(int);
                break;
            case OperandType.InlineI8 or OperandType.InlineR:
                code.Offset += 8;
                break;
            case OperandType.InlineVar:
                code.Offset += 2;
                break;
            case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                code.Offset += 1;
                break;
            case OperandType.InlineNone:
                break;
            default: // branch targets, 32-bit constants, strings, signatures
                code.Offset += 4;
                break;
        }
    }
}
