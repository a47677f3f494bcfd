using Dapr.Sidecar.Embedded.Api;
using Dapr.Sidecar.Embedded.Cli;
using Dapr.Sidecar.Embedded.Diagnostics;
using Dapr.Sidecar.Embedded.Invocation;
using Microsoft.AspNetCore.Http;

namespace Woodpecker.Hosting.Tests.Dapr.Units;

public sealed class ParsingTests
{
    [Theory]
    [InlineData("", "/")]
    [InlineData("a/b", "/a/b")]
    [InlineData("//a///b//", "/a/b")]
    [InlineData("a/./b/../c", "/a/c")]
    [InlineData("../../a", "/a")]
    [InlineData("a b/ä", "/a%20b/%C3%A4")]
    [InlineData("a%2Fb", "/a%252Fb")]
    [InlineData("x:y@z;v=1,2", "/x:y@z;v=1,2")]
    public void Path_IsCleanedAndEncoded(string decoded, string expected)
    {
        Assert.True(InvokePath.TryClean(decoded, out var path));
        Assert.Equal(expected, path);
    }

    [Theory]
    [InlineData("/v1.0/invoke/app/method/m", "app", "m")]
    [InlineData("/v1.0/invoke/app/method/", "app", "")]
    [InlineData("/v1.0/invoke/app.ns/method/a/method/b", "app.ns", "a/method/b")]
    [InlineData("/v1.0/invoke/http://localhost:80/method/a", "http://localhost:80", "a")]
    [InlineData("/v1.0/invoke/app", null, null)]
    [InlineData("/v1.0/invokes/app/method/m", null, null)]
    [InlineData("/other", null, null)]
    public void Target_IsFoundInThePath(string path, string? id, string? method)
    {
        var target = InvokeTarget.Find(path, new HeaderDictionary());
        Assert.Equal((id, method), (target?.Id, target?.Method));
    }

    [Theory]
    [InlineData("app", "app.own")]
    [InlineData("app.ns", "app.ns")]
    [InlineData("a.b.c", null)]
    [InlineData("../etc", null)]
    [InlineData("a*", null)]
    [InlineData("", null)]
    public void AppName_IsAnIdWithAtMostOneNamespace(string text, string? expected) =>
        Assert.Equal(expected, AppName.Parse(text, "own")?.ToString());

    [Theory]
    [InlineData("k=v", true)]
    [InlineData("k=v,k2=v%20x;p=1", true)]
    [InlineData(" k = v ", true)]
    [InlineData("k=", true)]
    [InlineData("novalue", false)]
    [InlineData("=v", false)]
    [InlineData("k=v,,", false)]
    [InlineData("k=a b", false)]
    public void Baggage_HasTheFormOfW3C(string text, bool valid) => Assert.Equal(valid, Baggage.IsValid(text));

    [Theory]
    [InlineData("4Mi", 4 << 20)]
    [InlineData("4Ki", 4 << 10)]
    [InlineData("2k", 2000)]
    [InlineData("17", 17)]
    [InlineData("4MB", null)]
    [InlineData("-1", null)]
    [InlineData("2Gi", null)]
    [InlineData("", null)]
    public void Quantity_IsOfKubernetes(string text, int? expected) =>
        Assert.Equal(expected, Quantity.TryParse(text, out var bytes) ? bytes : null);

    [Fact]
    public void ProtoFields_SurviveARoundTrip_AndGarbageIsRefused()
    {
        var bytes = new ProtoWriter().Number(3, 300).String(1, "key").String(2, new string('v', 300)).ToArray();
        var fields = ProtoReader.ReadStrings(bytes);
        Assert.Equal(("key", new string('v', 300)), (fields![1], fields[2]));
        Assert.Null(ProtoReader.ReadStrings([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]));
        Assert.Null(ProtoReader.ReadStrings([0x0a]));
        Assert.Null(ProtoReader.ReadStrings([0x0f]));
    }
}
