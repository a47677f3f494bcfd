using Woodpecker.Tool.Connection;

namespace Woodpecker.Services.Tests.Tool;

public sealed class EndpointFinderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("wp-finder-").FullName;

    [Fact]
    public void WithoutAName_TheFileIsFound_AtOrAboveTheCurrentFolder()
    {
        var file = MakeFile(".woodpecker");
        var deep = Directory.CreateDirectory(Path.Combine(_root, "a", "b")).FullName;

        Assert.Equal(file, EndpointFinder.Find(null, null, deep));
        Assert.Equal(file, EndpointFinder.Find(null, null, _root));
    }

    [Fact]
    public void ANamedPlace_MayBeTheFile_ItsDataFolder_OrTheFolderAboveThat()
    {
        var file = MakeFile(".woodpecker");

        Assert.Equal(file, EndpointFinder.Find(file, null, "/"));
        Assert.Equal(file, EndpointFinder.Find(Path.Combine(_root, ".woodpecker"), null, "/"));
        Assert.Equal(file, EndpointFinder.Find(_root, null, "/"));
        Assert.Equal(file, EndpointFinder.Find(".woodpecker", null, _root));
    }

    [Fact]
    public void TheOption_WinsOverTheVariable_AndTheVariableOverTheSearch()
    {
        MakeFile(".woodpecker");
        var other = MakeFile("other");
        var third = MakeFile("third");

        Assert.Equal(other, EndpointFinder.Find(other, third, _root));
        Assert.Equal(third, EndpointFinder.Find(null, third, _root));
    }

    [Fact]
    public void ANamedPlaceWithoutAHost_IsUnavailable_AndNotSearchedForElsewhere()
    {
        MakeFile(".woodpecker");

        var error = Assert.Throws<WoodpeckerException>(() => EndpointFinder.Find("nowhere", null, _root));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string MakeFile(string folder)
    {
        var run = Directory.CreateDirectory(Path.Combine(_root, folder, "run"));
        var path = Path.Combine(run.FullName, "endpoints.json");
        File.WriteAllText(path, "{}");
        return path;
    }
}
