using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>pageshare_probe.h, signature by signature.</summary>
internal static unsafe partial class Shim
{
    [LibraryImport(Library, EntryPoint = "ps_probe_userfaultfd")]
    public static partial int ProbeUserfaultfd();

    [LibraryImport(Library, EntryPoint = "ps_probe_pagemap_scan")]
    public static partial int ProbePagemapScan();

    [LibraryImport(Library, EntryPoint = "ps_probe_page_fault_events")]
    public static partial int ProbePageFaultEvents();
}
