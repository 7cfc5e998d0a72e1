using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PageShare.Host.Status;
using PageShare.Protocol;

namespace PageShare.Host.Web;

/// <summary>What is answered to HTTP requests.</summary>
internal sealed class WebAnswers(StatusReport status, LoopbackNames names)
{
    private const string Text = "text/plain; charset=utf-8";

    private readonly LivePage _page = LivePage.Load();

    /// <summary>Answers one.</summary>
    public async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var response = context.Response;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers.ContentSecurityPolicy = LivePage.NothingAllowed;
        if (!names.Allows(request.Host.Host))
        {
            await WriteAsync(context, StatusCodes.Status421MisdirectedRequest, Text,
                "Ask for localhost.\n"u8.ToArray()).ConfigureAwait(false);
            return;
        }

        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            response.Headers.Allow = "GET, HEAD";
            await WriteAsync(context, StatusCodes.Status405MethodNotAllowed, Text,
                "Only GET and HEAD.\n"u8.ToArray()).ConfigureAwait(false);
            return;
        }

        var (code, type, body) = Find(request.Path.Value, response);
        await WriteAsync(context, code, type, body).ConfigureAwait(false);
    }

    private (int Code, string Type, byte[] Body) Find(string? path, HttpResponse response)
    {
        try
        {
            switch (path)
            {
                case "/":
                    response.Headers.ContentSecurityPolicy = _page.ContentSecurityPolicy;
                    return (StatusCodes.Status200OK, "text/html; charset=utf-8", _page.Bytes);
                case "/status":
                    return (StatusCodes.Status200OK, "application/json; charset=utf-8",
                        JsonSerializer.SerializeToUtf8Bytes(status.Take(), ProtocolJsonContext.Default.StatusAnswer));
                case "/metrics":
                    return (StatusCodes.Status200OK, PrometheusText.ContentType,
                        Encoding.UTF8.GetBytes(PrometheusText.Write(status.Take())));
                default:
                    return (StatusCodes.Status404NotFound, Text, "There is /, /status and /metrics.\n"u8.ToArray());
            }
        }
        catch (ObjectDisposedException)
        {
            return (StatusCodes.Status503ServiceUnavailable, Text, "The host is stopping.\n"u8.ToArray());
        }
    }

    private static async Task WriteAsync(HttpContext context, int code, string type, byte[] body)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
        }
    }
}
