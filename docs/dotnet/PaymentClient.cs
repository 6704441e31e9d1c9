// How the Order Service takes a payment over HTTP. Register it with
//
//     services.AddHttpClient<PaymentClient>(c => c.BaseAddress = new Uri("http://payment-service:8080"));
//
// and give it a token of the client-credentials grant (audience payment-service).

using System;
using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Threading;
using System.Threading.Tasks;

namespace OrderService.Payments;

public sealed record CreatePaymentRequest(
    Guid OrderId, string Amount, string Currency, string CustomerId, string? PaymentMethodId);

public sealed record PaymentFailure(string Code, string Message);

public sealed record PaymentResponse(
    Guid PaymentId, Guid OrderId, string Status, string Amount, string Currency,
    string? ClientSecret, PaymentFailure? Failure, int UnresolvedOperations);

public sealed class PaymentClient(HttpClient http, Func<CancellationToken, Task<string>> token)
{
    /// <summary>
    /// Take a payment for an order. Calling it again for the same order is safe: an order has one
    /// live payment, and the same request returns it.
    /// </summary>
    public async Task<PaymentResponse> PayAsync(
        Guid orderId, decimal amount, string currency, string customerId, string? paymentMethodId,
        CancellationToken cancel = default)
    {
        // Invariant: a decimal comma would be refused.
        var body = new CreatePaymentRequest(
            orderId, amount.ToString(CultureInfo.InvariantCulture), currency, customerId, paymentMethodId);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/payments")
        {
            Content = JsonContent.Create(body),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await token(cancel));
        request.Headers.Add("Idempotency-Key", $"order-{orderId}");
        using var response = await http.SendAsync(request, cancel);

        // 201: new. 200: it was there. 202: the provider has not answered; the outcome comes as an
        // event, never take a second payment. A decline is 201 with Status "Failed".
        if (response.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.Accepted)
        {
            return await response.Content.ReadFromJsonAsync<PaymentResponse>(cancel)
                ?? throw new InvalidOperationException("The payment service answered with nothing");
        }

        // application/problem+json: "code" is for programs, such as order_already_has_payment.
        var problem = await response.Content.ReadAsStringAsync(cancel);
        throw new HttpRequestException(problem, null, response.StatusCode);
    }
}
