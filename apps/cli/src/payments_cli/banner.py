"""
What a developer can try, each line to be copied as it is.
"""

from string import Template
from typing import Final

_BANNER: Final = Template(r"""
  The payment service runs.        Ctrl-C stops it.

    API        $url
    Swagger    $url/swagger
    Simulator  $simulator   (stands in for Stripe; no money moves)

  Try it in a second terminal, from this directory:

  # A customer's token, an administrator's, and what the lines below share
  TOKEN=$$(.venv/bin/payments token --role Customer --sub alice)
  ADMIN=$$(.venv/bin/payments token --role Admin --sub root)
  JSON='Content-Type: application/json'
  uuid() { python3 -c 'import uuid; print(uuid.uuid4())'; }
  field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$$1"; }

  # Take a payment; the second time the same request gives the same payment
  ORDER=$$(uuid)
  curl -sS $url/api/payments -H "Authorization: Bearer $$TOKEN" -H "$$JSON" -w '\n' \
    -d '{"orderId": "'$$ORDER'", "amount": "129.90", "currency": "EUR", "paymentMethodId": "pm_card_visa"}'
  curl -sS $url/api/payments -H "Authorization: Bearer $$TOKEN" -H "$$JSON" -w '\n' \
    -d '{"orderId": "'$$ORDER'", "amount": "129.90", "currency": "EUR", "paymentMethodId": "pm_card_visa"}'

  # A card that is declined
  curl -sS $url/api/payments -H "Authorization: Bearer $$TOKEN" -H "$$JSON" -w '\n' \
    -d '{"orderId": "'$$(uuid)'", "amount": "20.00", "currency": "EUR", "paymentMethodId": "pm_card_chargeDeclined"}'

  # 3-D Secure: open nextAction.redirectUrl in a browser, approve, and list the payments again
  curl -sS $url/api/payments -H "Authorization: Bearer $$TOKEN" -H "$$JSON" -w '\n' \
    -d '{"orderId": "'$$(uuid)'", "amount": "30.00", "currency": "EUR", "paymentMethodId": "pm_card_threeDSecure2Required", "returnUrl": "$url/swagger/"}'
  curl -sS "$url/api/payments?limit=5" -H "Authorization: Bearer $$ADMIN" -w '\n'

  # No payment method yet: the customer's browser names it to Stripe, and the webhook tells us
  OPEN=$$(curl -sS $url/api/payments -H "Authorization: Bearer $$TOKEN" -H "$$JSON" \
    -d '{"orderId": "'$$(uuid)'", "amount": "40.00", "currency": "EUR"}')
  PI=$$(printf '%s' "$$OPEN" | field providerPaymentId)
  curl -sS -o /dev/null -u pk_test_simulator: $simulator/v1/payment_intents/$$PI/confirm \
    -d client_secret="$$(printf '%s' "$$OPEN" | field clientSecret)" -d payment_method=pm_card_visa
  sleep 1
  curl -sS $url/api/payments/$$(printf '%s' "$$OPEN" | field paymentId) -H "Authorization: Bearer $$TOKEN" -w '\n'

  # Authorise now, capture a part later
  PAYMENT=$$(curl -sS $url/api/payments -H "Authorization: Bearer $$TOKEN" -H "$$JSON" -w '\n' \
    -d '{"orderId": "'$$(uuid)'", "amount": "100.00", "currency": "EUR", "paymentMethodId": "pm_card_visa", "captureMethod": "manual"}' \
    | field paymentId)
  curl -sS $url/api/payments/$$PAYMENT/capture -H "Authorization: Bearer $$ADMIN" -H "$$JSON" -w '\n' \
    -H "Idempotency-Key: $$(uuid)" -d '{"amount": "60.00"}'

  # Refund a part, then the rest
  curl -sS $url/api/payments/$$PAYMENT/refund -H "Authorization: Bearer $$ADMIN" -H "$$JSON" -w '\n' \
    -H "Idempotency-Key: $$(uuid)" -d '{"amount": "10.00", "reason": "damaged"}'
  curl -sS $url/api/payments/$$PAYMENT/refund -H "Authorization: Bearer $$ADMIN" -H "$$JSON" -w '\n' \
    -H "Idempotency-Key: $$(uuid)" -d '{}'

  # The same payment from the command line
  .venv/bin/payments list --development
  .venv/bin/payments show --development $$PAYMENT
""")


def banner(url: str, simulator_url: str) -> str:
    """
    Return the text for a service at these addresses.
    """
    return _BANNER.substitute(url=url, simulator=simulator_url)
