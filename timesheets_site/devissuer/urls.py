"""The URLs in development: the issuer's own, then everything that production has."""

from django.urls import include, path

from timesheets_site.devissuer import views

urlpatterns = [
    path("authorize", views.authorize, name="authorize"),
    path("oauth/token", views.issue_token),
    path(".well-known/jwks.json", views.publish_keys),
    path(".well-known/openid-configuration", views.publish_metadata),
    path(".well-known/oauth-authorization-server", views.publish_metadata),
    path("", include("timesheets.urls")),
]
