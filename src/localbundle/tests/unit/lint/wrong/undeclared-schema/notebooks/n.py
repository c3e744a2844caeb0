# Databricks notebook source
print()
