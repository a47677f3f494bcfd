using System.Globalization;

namespace Woodpecker.Storage.Files;

/// <summary>A durability call failed: what was asked of which file, and the system's error number.</summary>
/// <remarks>After it nothing is known about the bytes of that file: never try again, let the latch trip (J5).</remarks>
public sealed class DurableIOException : IOException
{
    /// <summary>Makes the failure.</summary>
    /// <param name="operation">The call, for example <c>fdatasync</c>.</param>
    /// <param name="path">The file.</param>
    /// <param name="errorNumber">The system's error number; 0 if there is none.</param>
    /// <param name="innerException">The runtime's exception, if one led here.</param>
    public DurableIOException(string operation, string path, int errorNumber, Exception? innerException = null)
        : base(
            string.Create(CultureInfo.InvariantCulture, $"{operation} of '{path}' failed with error {errorNumber}: {Describe(errorNumber)}"),
            innerException)
    {
        Operation = operation;
        Path = path;
        ErrorNumber = errorNumber;
    }

    /// <summary>The call.</summary>
    public string Operation { get; }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The system's error number; 0 if unknown.</summary>
    public int ErrorNumber { get; }

    private static string Describe(int errorNumber) =>
        errorNumber == 0 ? "short or refused" : System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(errorNumber);
}
