"""The paths of accounts."""

from django.urls import path

from accounts import reset_views, views

urlpatterns = [
    path("client/signup", views.ClientSignUpView.as_view()),
    path("client/login", views.ClientLogInView.as_view()),
    path("client/logout", views.LogOutView.as_view()),
    path("client/logoutall", views.LogOutEverywhereView.as_view()),
    path("client/password", views.PasswordView.as_view()),
    path("company/signup", views.CompanySignUpView.as_view()),
    path("company/login", views.CompanyLogInView.as_view()),
    path("company/logout", views.LogOutView.as_view()),
    path("company/logoutall", views.LogOutEverywhereView.as_view()),
    path("company/password", views.PasswordView.as_view()),
    path("password/reset", reset_views.ResetView.as_view()),
    path("password/reset/confirm", reset_views.ResetConfirmationView.as_view()),
]
