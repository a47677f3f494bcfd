namespace Woodpecker.Testing.Objects;

/// <summary>Calls of an object store that a fault can hit.</summary>
public enum ObjectOperation
{
    Put,
    Get,
    Head,
    List,
    Delete,
}
