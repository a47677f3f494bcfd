namespace Woodpecker.Hosting.Tests.Aspire;

public sealed class ModelTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("writer-1")]
    [InlineData("Name09")]
    public void ResourceName_IsAccepted(string name)
    {
        using var builder = TestApplication.Create();
        Assert.Equal(name, builder.AddScript(name, "true").Resource.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1a")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("a--b")]
    [InlineData("a_b")]
    [InlineData("ä")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void ResourceName_IsRefused_WhenItBreaksARule(string name)
    {
        using var builder = TestApplication.Create();
        Assert.ThrowsAny<ArgumentException>(() => builder.AddScript(name, "true"));
    }

    [Fact]
    public void ResourceName_IsRefused_WhenTaken_WhateverItsCase()
    {
        using var builder = TestApplication.Create();
        builder.AddScript("one", "true");
        Assert.Throws<DistributedApplicationException>(() => builder.AddScript("ONE", "true"));
    }

    [Fact]
    public void Annotation_ReplacesOthersOfItsType_OnlyWhenAsked()
    {
        using var builder = TestApplication.Create();
        var script = builder.AddScript("one", "true").WithAnnotation(new HealthCheckAnnotation("a"))
            .WithAnnotation(new HealthCheckAnnotation("b"));
        Assert.Equal(2, script.Resource.Annotations.OfType<HealthCheckAnnotation>().Count());

        script.WithAnnotation(new HealthCheckAnnotation("c"), ResourceAnnotationMutationBehavior.Replace);

        Assert.True(script.Resource.TryGetAnnotationsOfType<HealthCheckAnnotation>(out var left));
        Assert.Equal("c", Assert.Single(left).Key);
    }

    [Fact]
    public async Task Expression_JoinsTextAndValues_AndKeepsBraces()
    {
        using var builder = TestApplication.Create();
        var parameter = builder.AddParameter("user", "me");
        var expression = ReferenceExpression.Create($"{{\"name\":\"{parameter.Resource}\"}}");

        Assert.Equal("""{"name":"me"}""", await expression.GetValueAsync(TestApplication.Soon));
        Assert.Equal("""{"name":"{user.value}"}""", expression.ValueExpression);
    }

    [Fact]
    public async Task Parameter_PrefersConfiguration()
    {
        using var builder = TestApplication.Create();
        builder.Configuration["Parameters:user"] = "configured";
        var parameter = builder.AddParameter("user", "default");

        Assert.Equal("configured", await parameter.Resource.GetValueAsync(TestApplication.Soon));
    }
}
