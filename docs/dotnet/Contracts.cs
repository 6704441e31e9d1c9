// The messages of the payment service, to be pasted into a .NET service that uses MassTransit.
// The namespace is part of the wire: it must stay as it is. A test of the payment service holds
// the names and types here against its own.

using System;

namespace BuildingBlocks.Contracts.Payments;

/// <summary>The amount was captured.</summary>
public interface IPaymentSucceeded
{
    Guid PaymentId { get; }
    Guid OrderId { get; }
    decimal Amount { get; }
    string Currency { get; }
    string Provider { get; }
    string ProviderPaymentId { get; }
    string ProviderReference { get; }
    DateTime OccurredAt { get; }
    DateTime Timestamp { get; }
}

/// <summary>The amount is reserved, and waits for CapturePaymentCommand.</summary>
public interface IPaymentAuthorized
{
    Guid PaymentId { get; }
    Guid OrderId { get; }
    decimal Amount { get; }
    string Currency { get; }
    string Provider { get; }
    string ProviderPaymentId { get; }
    string ProviderReference { get; }
    DateTime OccurredAt { get; }
    DateTime Timestamp { get; }
}

/// <summary>The payment failed or was canceled, for good: it can never succeed.</summary>
public interface IPaymentFailed
{
    Guid PaymentId { get; }
    Guid OrderId { get; }
    string Provider { get; }
    string? ProviderPaymentId { get; }
    string ErrorCode { get; }
    string ErrorMessage { get; }
    string Reason { get; }
    DateTime OccurredAt { get; }
    DateTime Timestamp { get; }
}

/// <summary>A refund succeeded.</summary>
public interface IRefundIssued
{
    Guid PaymentId { get; }
    Guid OrderId { get; }
    Guid RefundId { get; }
    decimal Amount { get; }
    string Currency { get; }
    string ProviderRefundId { get; }
    DateTime OccurredAt { get; }
    DateTime Timestamp { get; }
}

/// <summary>A refund was refused, failed, or was reversed by the bank.</summary>
public interface IRefundFailed
{
    Guid PaymentId { get; }
    Guid? RefundId { get; }
    string? RefundRequestId { get; }
    decimal? Amount { get; }
    string? Currency { get; }
    string ErrorCode { get; }
    string Reason { get; }
    DateTime OccurredAt { get; }
}

/// <summary>The provider and the payment service do not say the same.</summary>
public interface IPaymentDiscrepancyFound
{
    Guid? PaymentId { get; }
    Guid? OrderId { get; }
    Guid? RunId { get; }
    string Kind { get; }
    string ProviderObjectId { get; }
    string LocalValue { get; }
    string ProviderValue { get; }
    bool Repaired { get; }
    DateTime OccurredAt { get; }
}

/// <summary>A comparison with the provider has ended.</summary>
public interface IReconciliationCompleted
{
    Guid RunId { get; }
    string Provider { get; }
    string Status { get; }
    DateTime WindowStart { get; }
    DateTime WindowEnd { get; }
    int Checked { get; }
    int Found { get; }
    int New { get; }
    int Repaired { get; }
    DateTime OccurredAt { get; }
}

/// <summary>
/// Refund a payment: send it to queue:refund-payment, or publish it. Without an amount all that
/// is left is refunded. The same RefundRequestId is the same refund, however often it is sent.
/// </summary>
public record RefundPaymentCommand
{
    public Guid PaymentId { get; init; }
    public decimal? Amount { get; init; }
    public string? Currency { get; init; }
    public string? Reason { get; init; }
    public string? RefundRequestId { get; init; }
}

/// <summary>
/// Take what is authorised: send it to queue:capture-payment, or publish it. Name the payment, or
/// the order whose newest payment is meant. Without an amount all of it is taken.
/// </summary>
public record CapturePaymentCommand
{
    public Guid? PaymentId { get; init; }
    public Guid? OrderId { get; init; }
    public decimal? Amount { get; init; }
    public string? Currency { get; init; }
}
