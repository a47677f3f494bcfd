using System.Runtime.Versioning;

// The suite looks at modes, links and devices of a Unix file system.
[assembly: SupportedOSPlatform("linux")]
