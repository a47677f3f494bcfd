using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>
/// The order of an orderly stop, as levels that stop one after the other: a resource goes after everything that waits
/// for it, and children (sidecars) go together after the last of their parents, so that a parent drains with them up.
/// </summary>
internal static class StopOrder
{
    public static IReadOnlyList<IReadOnlyList<IResource>> Levels(IEnumerable<IResource> resources)
    {
        var all = resources.ToArray();
        var tops = all.Where(r => r.Parent() is null).ToArray();
        var children = all.Except(tops).ToArray();
        var dependents = tops.SelectMany(r => r.Waits().Select(w => (w.Resource, Dependent: r)))
            .ToLookup(p => p.Resource, p => p.Dependent);
        var depths = new Dictionary<IResource, int>();
        foreach (var resource in tops)
            Depth(resource, dependents, depths, []);

        var levels = new SortedDictionary<double, List<IResource>>();
        foreach (var resource in tops)
            Add(depths[resource], resource);
        if (children.Length > 0)
        {
            var lastParent = children.Max(c => depths.GetValueOrDefault(c.Parent()!));
            foreach (var child in children)
                Add(lastParent + 0.5, child);
        }

        return [.. levels.Values];

        void Add(double level, IResource resource)
        {
            if (!levels.TryGetValue(level, out var list))
                levels[level] = list = [];
            list.Add(resource);
        }
    }

    private static int Depth(IResource resource, ILookup<IResource, IResource> dependents,
        Dictionary<IResource, int> depths, HashSet<IResource> path)
    {
        if (depths.TryGetValue(resource, out var known))
            return known;
        if (!path.Add(resource))
            return 0; // A circle of waits never started anyway.
        var depth = dependents[resource].Select(d => Depth(d, dependents, depths, path) + 1).DefaultIfEmpty(0).Max();
        path.Remove(resource);
        depths[resource] = depth;
        return depth;
    }
}
