"""
Which tests hold each line of `docs/bad-input.md`; a name without case means all of its cases.
"""

from typing import Final

CORPUS: Final[dict[str, tuple[str, ...]]] = {
    "C01": ("tests/http/test_bad_input.py::test_body[empty]",),
    "C02": ("tests/http/test_bad_input.py::test_body[cut off]",),
    "C03": (
        "tests/http/test_bad_input.py::test_body[list]",
        "tests/http/test_bad_input.py::test_body[null]",
        "tests/http/test_bad_input.py::test_body[text]",
        "tests/http/test_bad_input.py::test_body[number]",
    ),
    "C04": ("tests/http/test_bad_input.py::test_type",),
    "C05": (
        "tests/http/test_bad_input.py::test_type[application/json; charset=utf-16]",
        "tests/http/test_bad_input.py::test_body[UTF-16]",
    ),
    "C06": ("tests/http/test_bad_input.py::test_body[bad UTF-8]",),
    "C08": ("tests/http/test_bad_input.py::test_body[too long]",),
    "C09": ("tests/input/test_over_the_wire.py::test_long_bodies",),
    "C11": ("tests/http/test_bad_input.py::test_body[long integer]",),
    "C13": (
        "tests/http/test_bad_input.py::test_body[NaN]",
        "tests/http/test_bad_input.py::test_body[Infinity]",
    ),
    "C14": ("tests/http/test_bad_input.py::test_field[amount-value0-validation_failed]",),
    "C15": ("tests/http/test_bad_input.py::test_field[amount-0-amount_not_positive0]",),
    "C16": (
        "tests/http/test_bad_input.py::test_field[amount--1-amount_not_positive]",
        "tests/http/test_bad_input.py::test_field[amount--0-amount_not_positive]",
    ),
    "C17": ("tests/http/test_bad_input.py::test_field[amount-1.005-amount_precision0]",),
    "C19": (
        "tests/http/test_bad_input.py::test_three_decimals",
        "tests/input/test_whole_app.py::test_stripes_third_decimal",
    ),
    "C20": (
        "tests/http/test_bad_input.py::test_field[amount-1e400-amount_format]",
        "tests/http/test_bad_input.py::test_field[amount-1e-400-amount_format]",
    ),
    "C21": (
        "tests/http/test_bad_input.py::test_field[amount-1_000-amount_format]",
        "tests/http/test_bad_input.py::test_field[amount- 5 -amount_format]",
    ),
    "C23": (
        "tests/http/test_bad_input.py::test_field[amount-99999999999999999999999999999.99-amount_format]",
    ),
    "C24": (
        "tests/http/test_bad_input.py::test_field[amount-True-amount_format]",
        "tests/http/test_bad_input.py::test_field[amount-None-validation_failed]",
    ),
    "C25": ("tests/http/test_bad_input.py::test_field[amount-0.30000000000000004-amount_format]",),
    "C26": ("tests/http/test_bad_input.py::test_field[currency-eur-currency_invalid]",),
    "C27": (
        "tests/http/test_bad_input.py::test_field[currency-EURO-currency_invalid]",
        "tests/http/test_bad_input.py::test_field[currency--currency_invalid]",
        "tests/http/test_bad_input.py::test_field[currency-EU-currency_invalid]",
    ),
    "C28": (
        "tests/http/test_bad_input.py::test_field[currency-XXX-currency_invalid]",
        "tests/http/test_bad_input.py::test_field[currency-XTS-currency_invalid]",
        "tests/http/test_bad_input.py::test_field[currency-ZZZ-currency_invalid]",
    ),
    "C29": ("tests/http/test_bad_input.py::test_field[currency-E\\x00R-currency_invalid]",),
    "C31": ("tests/http/test_bad_input.py::test_field",),
    "C32": (
        "tests/http/test_bad_input.py::test_field[orderId-00000000-0000-0000-0000-000000000000-validation_failed]",
    ),
    "C33": (
        "tests/http/test_bad_input.py::test_field[status-Succeeded-unknown_field]",
        "tests/http/test_bad_input.py::test_field[captured-10.00-unknown_field]",
        "tests/http/test_bad_input.py::test_field[provider_payment_id-pi_1-unknown_field]",
        "tests/http/test_bad_input.py::test_field[customerId-bob-unknown_field]",
    ),
    "C34": (
        "tests/http/test_bad_input.py::test_field[paymentMethodId-4242 4242 4242 4242-card_data_not_allowed]",
        "tests/input/test_whole_app.py::test_nothing_is_left_behind",
    ),
    "C36": ("tests/http/test_bad_input.py::test_field",),
    "C38": (
        "tests/http/test_bad_input.py::test_field[cvc-123-card_data_not_allowed]",
        "tests/input/test_no_secret_is_written.py::test_no_secret_is_written",
    ),
    "C39": (
        "tests/http/test_bad_input.py::test_field[returnUrl-http://169.254.169.254/-return_url_not_allowed]",
        "tests/input/test_over_the_wire.py::test_return_address_is_never_called",
    ),
    "C40": (
        "tests/http/test_payments.py::test_same_again",
        "tests/http/test_payments.py::test_another_for_the_order",
    ),
    "C41": ("tests/http/test_payments.py::test_anothers_order",),
    "C42": ("tests/http/test_bad_input.py::test_field[provider-unknown-provider_unknown]",),
    "Q01": ("tests/http/test_bad_input.py::test_path[not-a-uuid]",),
    "Q02": ("tests/http/test_bad_input.py::test_path[0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c12]",),
    "Q03": ("tests/http/test_access.py::test_not_there_and_not_yours_look_the_same",),
    "Q04": ("tests/http/test_bad_input.py::test_path[..%2f..%2f]",),
    "Q06": (
        "tests/http/test_bad_input.py::test_query[limit=0-validation_failed]",
        "tests/http/test_bad_input.py::test_query[limit=101-validation_failed]",
        "tests/http/test_bad_input.py::test_query[limit=abc-validation_failed]",
    ),
    "Q08": ("tests/http/test_bad_input.py::test_query[status=Nope-validation_failed]",),
    "Q09": (
        "tests/http/test_bad_input.py::test_query[from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z-window_invalid]",
    ),
    "Q10": (
        "tests/http/test_bad_input.py::test_query[from=9999-99-99-validation_failed]",
        "tests/http/test_bad_input.py::test_query[from=2026-01-01T00:00:00-validation_failed]",
    ),
    "Q12": (
        "tests/http/test_bad_input.py::test_odd_query",
        "tests/http/test_serving.py::test_malformed",
    ),
    "Q13": (
        "tests/input/test_over_the_wire.py::test_methods",
        "tests/http/test_bad_input.py::test_method",
    ),
    "Q15": ("tests/http/test_bad_input.py::test_html_is_asked_for",),
    "Q16": (
        "tests/input/test_over_the_wire.py::test_head_and_options",
        "tests/http/test_bad_input.py::test_no_cross_origin",
    ),
    "Q17": ("tests/http/test_serving.py::test_malformed",),
    "Q18": (
        "tests/input/test_over_the_wire.py::test_long_headers",
        "tests/http/test_serving.py::test_malformed",
    ),
    "Q19": ("tests/input/test_over_the_wire.py::test_host",),
    "R01": (
        "tests/http/test_payments.py::test_confirmed_again",
        "tests/core/application/test_confirm_payment.py::test_confirm_twice_charges_once",
    ),
    "R02": (
        "tests/http/test_payments.py::test_confirmed_again",
        "tests/http/test_payments.py::test_refused_by_state",
    ),
    "R03": ("tests/http/test_access.py::test_matrix",),
    "R04": ("tests/http/test_payments.py::test_refused_by_state",),
    "R05": ("tests/http/test_refunds.py::test_too_much",),
    "R07": ("tests/http/test_refunds.py::test_all_that_is_left",),
    "R08": ("tests/http/test_refunds.py::test_nothing_left",),
    "R10": (
        "tests/http/test_refunds.py::test_never_more_than_captured",
        "tests/postgres/test_races.py::test_refunds_never_exceed_what_was_captured",
    ),
    "R11": ("tests/http/test_access.py::test_matrix",),
    "R13": ("tests/http/test_reconciliation.py::test_what_cannot_be_compared",),
    "R14": ("tests/http/test_reconciliation.py::test_one_run_at_a_time",),
    "R15": (
        "tests/http/test_payments.py::test_capture_of_too_much",
        "tests/core/application/test_received_messages.py::test_unknown_payment_is_tried_five_times_more",
    ),
    "R16": ("tests/http/test_discrepancies.py::test_what_ended_is_not_closed",),
    "R17": ("tests/http/test_discrepancies.py::test_notes",),
    "W01": ("tests/input/test_webhook_bytes.py::test_unknown_provider",),
    "W02": (
        "tests/input/test_over_the_wire.py::test_methods",
        "tests/http/test_bad_input.py::test_method",
    ),
    "W03": ("tests/input/test_webhook_bytes.py::test_refused[W03 no header]",),
    "W04": (
        "tests/input/test_webhook_bytes.py::test_refused[W04 empty header]",
        "tests/input/test_webhook_bytes.py::test_refused[W04 garbage]",
    ),
    "W05": ("tests/input/test_webhook_bytes.py::test_refused[W05 other secret]",),
    "W06": (
        "tests/input/test_webhook_bytes.py::test_refused[W06 one byte]",
        "tests/input/test_webhook_bytes.py::test_refused[W06 line feed]",
        "tests/input/test_webhook_bytes.py::test_refused[W06 written anew]",
    ),
    "W07": (
        "tests/input/test_webhook_bytes.py::test_refused[W07 old]",
        "tests/input/test_webhook_bytes.py::test_refused[W07 ahead]",
        "tests/stripe/test_webhook.py::test_time",
    ),
    "W09": ("tests/input/test_webhook_bytes.py::test_refused[W09 only v0]",),
    "W11": ("tests/input/test_webhook_bytes.py::test_refused[W11 3,000 digits]",),
    "W12": ("tests/input/test_webhook_bytes.py::test_refused[W12 no UTF-8]",),
    "W13": ("tests/input/test_webhook_bytes.py::test_refused[W13 no JSON]",),
    "W15": ("tests/input/test_webhook_bytes.py::test_refused[W15 a charge]",),
    "W16": (
        "tests/input/test_webhook_bytes.py::test_refused[W16 no id]",
        "tests/input/test_webhook_bytes.py::test_refused[W16 long id]",
        "tests/input/test_webhook_bytes.py::test_refused[W16 NUL in id]",
    ),
    "W17": ("tests/input/test_webhook_bytes.py::test_refused[W17 deep]",),
    "W19": (
        "tests/input/test_webhook_bytes.py::test_refused[W19 262,145 bytes]",
        "tests/input/test_over_the_wire.py::test_long_bodies",
    ),
    "W20": (
        "tests/input/test_webhook_bytes.py::test_refused[W20 5 KiB header]",
        "tests/input/test_over_the_wire.py::test_long_headers",
    ),
    "W21": ("tests/input/test_webhook_bytes.py::test_duplicate",),
    "W22": ("tests/http/test_webhooks.py::test_twenty_at_once",),
    "W23": ("tests/input/test_webhook_bytes.py::test_unknown_type",),
    "W25": ("tests/input/test_webhook_bytes.py::test_other_account",),
    "W26": ("tests/input/test_webhook_bytes.py::test_unknown_payment",),
    "W27": ("tests/http/test_webhooks.py::test_what_contradicts_is_no_step[W27 other amount]",),
    "W28": ("tests/http/test_webhooks.py::test_what_contradicts_is_no_step[W28 other currency]",),
    "W30": ("tests/http/test_webhooks.py::test_late_success",),
    "W31": (
        "tests/http/test_webhooks.py::test_what_contradicts_is_no_step[W31 failed after succeeded]",
    ),
    "W32": (
        "tests/http/test_webhooks.py::test_what_contradicts_is_no_step[W32 processing after succeeded]",
    ),
    "W33": ("tests/http/test_webhooks.py::test_refund_from_the_dashboard",),
    "W35": (
        "tests/http/test_webhooks.py::test_provider_is_down",
        "tests/core/application/test_webhooks.py::test_an_outage_while_processing_is_tried_again",
    ),
    "W36": ("tests/input/test_webhook_bytes.py::test_either_secret",),
    "W37": ("tests/input/test_webhook_bytes.py::test_other_version",),
    "W39": (
        "tests/http/test_limits.py::test_bad_signatures",
        "tests/http/test_limits.py::test_a_good_delivery_is_never_refused",
    ),
    "W40": ("tests/input/test_webhook_bytes.py::test_card_number_inside",),
    "M01": ("tests/rabbit/test_consumer.py::test_garbage_goes_to_the_error_queue",),
    "M02": (
        "tests/rabbit/test_consumer.py::test_message_without_ids_goes_to_the_error_queue",
        "tests/rabbit/test_reading.py::test_broken_messages_are_unreadable",
    ),
    "M03": ("tests/rabbit/test_consumer.py::test_unknown_type_is_skipped",),
    "M05": ("tests/rabbit/test_consumer.py::test_same_message_ten_times_is_one_refund",),
    "M06": ("tests/faults/test_chaos.py::test_processes_are_killed_under_load",),
    "M07": (
        "tests/core/application/test_received_messages.py::test_unknown_payment_is_tried_five_times_more",
        "tests/rabbit/test_consumer.py::test_command_that_never_succeeds_ends_in_the_error_queue",
    ),
    "M08": ("tests/rabbit/test_consumer.py::test_refused_refund_is_acknowledged",),
    "M10": ("tests/rabbit/test_reading.py::test_broken_messages_are_unreadable",),
    "M11": (
        "tests/rabbit/test_reading.py::test_broken_messages_are_unreadable",
        "tests/rabbit/test_consumer.py::test_garbage_goes_to_the_error_queue",
    ),
    "M13": ("tests/core/application/test_received_messages.py::test_bug_is_tried_again",),
    "M14": ("tests/rabbit/test_consumer.py::test_early_command_is_kept_and_tried_again",),
    "M15": ("tests/bootstrap/test_logging.py::test_json_stays_one_line",),
    "M16": ("tests/input/test_no_secret_is_written.py::test_no_secret_is_written",),
    "V01": (
        "tests/bootstrap/test_start_up.py::test_unsafe",
        "tests/bootstrap/test_start_up.py::test_all_at_once",
    ),
    "V02": (
        "tests/bootstrap/test_start_up.py::test_unsafe",
        "tests/bootstrap/test_start_up.py::test_all_at_once",
    ),
    "V03": (
        "tests/bootstrap/test_start_up.py::test_unsafe",
        "tests/bootstrap/test_start_up.py::test_all_at_once",
    ),
    "V04": (
        "tests/bootstrap/test_start_up.py::test_unsafe",
        "tests/bootstrap/test_start_up.py::test_all_at_once",
    ),
    "V06": ("tests/postgres/test_dialects.py::test_an_engine_that_does_not_lock_is_refused",),
}
